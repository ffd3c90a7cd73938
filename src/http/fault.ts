// Why a message of HTTP goes no further: what a user is answered then.

export class HttpFault extends Error {
  /** @param reason for people, in one line */
  constructor(
    readonly status: number,
    readonly reason: string,
  ) {
    super(reason);
  }
}

export function badRequest(reason: string): HttpFault {
  return new HttpFault(400, reason);
}

/** The service's doing. */
export function badAnswer(reason: string): HttpFault {
  return new HttpFault(502, reason);
}

const PHRASES: Record<number, string> = {
  400: "Bad Request",
  417: "Expectation Failed",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  502: "Bad Gateway",
  504: "Gateway Timeout",
};

export function phraseOf(status: number): string {
  return PHRASES[status] ?? "Error";
}
