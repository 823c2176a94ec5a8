import { checkMetadataStore } from '../../test/cluster/metadata-store-laws.ts';
import { MemoryMetadataStore } from './memory-metadata-store.ts';

checkMetadataStore('memory', {
  fresh: async (clock) => new MemoryMetadataStore({ clock }),
  reopen: null,
});
