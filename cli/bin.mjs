#!/usr/bin/env node
// The `millrace` command. Plain old JavaScript on purpose: it must be able to say on any Node that the Node is too old.
var major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `millrace needs Node.js 24 or newer, this is ${process.version} (${process.execPath})\n`,
  );
  process.exit(2);
}
// The compile cache keeps on disk the code of earlier runs and, of a checkout, the sources without their types. It has to
// be on before the first source is loaded, or the type stripper is loaded as well: 40 ms of the 75 that a start took.
Promise.all([import('node:fs'), import('node:module')]).then(([fs, module]) => {
  module.enableCompileCache();
  // A checkout has the sources beside this file, the package only the build.
  const source = new URL('./main.ts', import.meta.url);
  return import(
    fs.existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href
  );
});
