/** An answer later than this is none. */
const WITHIN_MS = 4_000;

/**
 * Whether the server of a stream answers at all. Asked before a lost stream is opened again: Firefox makes each WebSocket
 * wait the longer the more of them have failed, up to a minute, so a failed one costs more than a failed request.
 */
export async function isReachable(streamUrl: string): Promise<boolean> {
  const url = new URL('/livez', streamUrl.replace(/^ws/, 'http'));
  try {
    const { status } = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(WITHIN_MS) });
    // A proxy that cannot reach the server says 502 to 504; one that hides this path says 404, and all is well.
    return status < 500;
  } catch {
    return false;
  }
}
