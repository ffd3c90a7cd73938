// For what is said last before channels are cut: it has a moment to arrive, and no more.

const LAST_WORDS_MS = 1_000;

/** Resolves when all of it has been heard, or the moment is over. */
export async function untilHeard(
  heard: readonly Promise<unknown>[],
): Promise<void> {
  if (heard.length === 0) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LAST_WORDS_MS);
  });
  await Promise.race([Promise.all(heard), late]);
  clearTimeout(timer);
}
