// One key, as an answer: it counts as soon as it is pressed. The terminal must have let go of the input before; afterwards the
// input is free again.

export interface KeyStreams {
  input: NodeJS.ReadableStream & { setRawMode?(isRaw: boolean): unknown };
  output: NodeJS.WritableStream;
  signal: AbortSignal;
}

/** Keys of consent, as readline of GNU has them. */
const YES = /^[yY ]/;

/** Whether the key was a yes; the end of the input and the signal are none. What was pasted behind the key is dropped. */
export async function confirmByKey(
  question: string,
  { input, output, signal }: KeyStreams,
): Promise<boolean> {
  output.write(`${question} (y/n) `);
  const key = await new Promise<string>((resolve) => {
    const read = (text: Buffer | string) => settle(String(text));
    const none = () => settle("");
    const settle = (text: string) => {
      input.off("data", read).off("end", none).off("error", none);
      signal.removeEventListener("abort", none);
      input.pause();
      input.setRawMode?.(false);
      resolve(text);
    };
    input.on("data", read).on("end", none).on("error", none);
    signal.addEventListener("abort", none);
    input.setRawMode?.(true);
    input.resume();
    if (signal.aborted) none();
  });
  const isYes = YES.test(key);
  output.write(isYes ? "y\n" : "n\n");
  return isYes;
}
