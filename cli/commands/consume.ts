import type { Command } from 'commander';
export function define(_p: Command): void {}
