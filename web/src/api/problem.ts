import type { Problem } from '../protocol/objects';

/** The server refused, and said why. */
export class ProblemError extends Error {
  constructor(
    readonly problem: Problem,
    /** Seconds to wait before trying again, where the server named them. */
    readonly retryAfterS: number | null = null,
  ) {
    super(problem.detail || problem.title);
    this.name = 'ProblemError';
  }

  get code(): string {
    return this.problem.code;
  }

  /** Whether the same request may succeed later without the person doing anything. */
  get isTransient(): boolean {
    return this.problem.status >= 500 || this.problem.status === 429;
  }
}

/** The server could not be reached, or answered something that is not moot. */
export class UnreachableError extends Error {
  constructor(cause?: unknown) {
    super('The server cannot be reached.', { cause });
    this.name = 'UnreachableError';
  }
}

/** The stable id of what went wrong, for logs and for choosing words. */
export function problemCode(error: unknown): string {
  if (error instanceof ProblemError) return error.code;
  return error instanceof UnreachableError ? 'unreachable' : 'internal';
}

/** Whether trying the same again by itself makes sense. */
export function isTransient(error: unknown): boolean {
  return error instanceof UnreachableError || (error instanceof ProblemError && error.isTransient);
}
