/** Imports go downhill only: the table of layers against the imports that are there, and the document. */

import { describe, expect, test } from 'vitest';
import { isInside, layerOf, layersTable } from './layers.ts';
import { importsOf, productPaths, textOf } from './source-files.ts';

describe('layers', () => {
  test('every file of the product belongs to a layer', () => {
    expect(productPaths.length).toBeGreaterThan(50);
    expect(productPaths.filter((path) => layerOf(path) === undefined)).toEqual([]);
  });

  test('a file imports only what its layer may', () => {
    const wrong: string[] = [];
    for (const path of productPaths) {
      const layer = layerOf(path);
      if (layer === undefined) continue;
      for (const target of importsOf(path)) {
        const isAllowed = target.startsWith('node:')
          ? layer.node.some((name) => isInside(target.slice(5), name))
          : target.endsWith('.ts') || target.endsWith('.json')
            ? isInside(target, layer.folder) ||
              layer.mayImport.some((folder) => isInside(target, folder))
            : layer.packages.includes(target);
        if (!isAllowed) wrong.push(`${path} imports ${target}, which ${layer.folder} may not`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('the product imports no test, bench or fuzz target', () => {
    const wrong = productPaths.filter((path) =>
      importsOf(path).some((target) => /^(?:test|bench|fuzz)\/|\.test\.ts$/.test(target)),
    );
    expect(wrong).toEqual([]);
  });

  test('ARCHITECTURE.md shows the same table', () => {
    expect(textOf('ARCHITECTURE.md')).toContain(layersTable());
  });
});
