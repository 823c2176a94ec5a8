/** Sorts out what a request names more than once: Kafka refuses such names, and serves the others. Pure. */

export function once<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
): { single: T[]; repeated: string[] } {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1);
  return {
    single: items.filter((item) => counts.get(nameOf(item)) === 1),
    repeated: [...counts].filter(([, count]) => count > 1).map(([name]) => name),
  };
}
