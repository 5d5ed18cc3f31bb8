import type { Problem } from '../protocol/objects';
import { ProblemError, UnreachableError } from './problem';

/** The connection that sends a command (docs/protocol/http.md, "Who is asking"). */
export interface Sender {
  readonly id: string;
  readonly fence: number;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly sender?: Sender;
  readonly ifMatch?: string;
  /** Makes a POST safe to repeat for 24 hours. */
  readonly idempotencyKey?: string;
  /** Seconds before the request is given up, default 10. */
  readonly timeoutS?: number;
  /** Let the request outlive the page. */
  readonly keepalive?: boolean;
}

type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && typeof value.code === 'string';
}

/**
 * Send one request and give its JSON body.
 *
 * @throws ProblemError the server refused.
 * @throws UnreachableError no answer in time, or one that is not moot's.
 */
export async function call<T>(method: Method, path: string, options: CallOptions = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  if (options.sender) {
    headers['Moot-Connection'] = options.sender.id;
    headers['Moot-Fence'] = String(options.sender.fence);
  }
  if (options.ifMatch) headers['If-Match'] = options.ifMatch;
  if (options.idempotencyKey) headers['Idempotency-Key'] = options.idempotencyKey;
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      keepalive: options.keepalive ?? false,
      signal: AbortSignal.timeout((options.timeoutS ?? 10) * 1000),
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    const text = await response.text();
    body = text === '' ? null : JSON.parse(text);
  } catch (error) {
    throw new UnreachableError(error);
  }
  if (response.ok) return body as T;
  if (!isProblem(body)) throw new UnreachableError(response.status);
  const wait = Number(response.headers.get('Retry-After'));
  throw new ProblemError(body, Number.isFinite(wait) && wait > 0 ? wait : null);
}
