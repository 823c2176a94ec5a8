#!/usr/bin/env node
// The `millrace` command. Plain old JavaScript on purpose: it must be able to say on any Node that the Node is too old.
var major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `millrace needs Node.js 24 or newer, this is ${process.version} (${process.execPath})\n`,
  );
  process.exit(2);
}
// A checkout has the sources beside this file, the package only the build.
import('node:fs').then((fs) => {
  var source = new URL('./main.ts', import.meta.url);
  return import(
    fs.existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href
  );
});
