/** What the link carries, from WebRTC's own statistics (W3C webrtc-stats). */

/** One report of a track: what RTCStatsReport holds, as far as it is read here. */
export type StatsEntry = Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string };

/** Counters since the link began; only their growth says something. */
export interface Counters {
  readonly at: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly receivedPackets: number;
  readonly lostPackets: number;
  readonly roundTripMs: number | null;
  /** How media travels: `udp`, `tcp`, or `relay` through a TURN server; empty before it is known. */
  readonly path: string;
}

export interface Figures {
  readonly sendsBps: number;
  readonly receivesBps: number;
  /** Share of packets lost on their way here, 0 to 1. */
  readonly loss: number;
  readonly roundTripMs: number | null;
  readonly path: string;
}

const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

const sum = (entries: readonly StatsEntry[], key: string): number => entries.reduce((total, entry) => total + Math.max(0, number(entry[key])), 0);

/** Add up the entries of all tracks' reports. The same stream may be in several reports: it counts once. */
export function count(found: Iterable<StatsEntry>, at: number): Counters {
  const entries = [...new Map([...found].map((entry) => [`${entry.type} ${entry.id}`, entry])).values()];
  const of = (type: string): readonly StatsEntry[] => entries.filter((entry) => entry.type === type);
  const arriving = of('inbound-rtp');
  const pair = of('candidate-pair').find((entry) => entry['state'] === 'succeeded' && typeof entry['currentRoundTripTime'] === 'number');
  const local = of('local-candidate').find((entry) => entry.id === pair?.['localCandidateId']);
  const path = local?.['candidateType'] === 'relay' ? 'relay' : local?.['protocol'];
  return {
    at,
    sentBytes: sum(of('outbound-rtp'), 'bytesSent'),
    receivedBytes: sum(arriving, 'bytesReceived'),
    receivedPackets: sum(arriving, 'packetsReceived'),
    lostPackets: sum(arriving, 'packetsLost'),
    roundTripMs: pair ? Math.round(number(pair['currentRoundTripTime']) * 1000) : null,
    path: typeof path === 'string' ? path : '',
  };
}

/** What happened between two counts. Counters that went back belong to a new link: they say nothing yet. */
export function compare(before: Counters, now: Counters): Figures {
  const seconds = (now.at - before.at) / 1000;
  const rate = (from: number, to: number): number => (seconds > 0 && to >= from ? Math.round(((to - from) * 8) / seconds) : 0);
  const lost = Math.max(0, now.lostPackets - before.lostPackets);
  const received = Math.max(0, now.receivedPackets - before.receivedPackets);
  return {
    sendsBps: rate(before.sentBytes, now.sentBytes),
    receivesBps: rate(before.receivedBytes, now.receivedBytes),
    loss: lost + received > 0 ? lost / (lost + received) : 0,
    roundTripMs: now.roundTripMs,
    path: now.path,
  };
}
