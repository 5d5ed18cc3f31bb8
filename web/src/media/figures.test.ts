import { describe, expect, it } from 'vitest';
import { compare, count, type StatsEntry } from './figures';

const out = (id: string, bytesSent: number): StatsEntry => ({ id, type: 'outbound-rtp', bytesSent });
const arrives = (id: string, bytesReceived: number, packetsReceived: number, packetsLost: number): StatsEntry => ({ id, type: 'inbound-rtp', bytesReceived, packetsReceived, packetsLost });
const pair: StatsEntry = { id: 'p', type: 'candidate-pair', state: 'succeeded', currentRoundTripTime: 0.0234, localCandidateId: 'l' };

describe('the figures of a link', () => {
  it('EVENT-3: say what was sent, received and lost between two counts', () => {
    const before = count([out('a', 1000), arrives('b', 5000, 90, 10)], 1000);
    const now = count([out('a', 126_000), arrives('b', 255_000, 180, 20), pair, { id: 'l', type: 'local-candidate', protocol: 'udp', candidateType: 'host' }], 2000);
    expect(compare(before, now)).toEqual({ sendsBps: 1_000_000, receivesBps: 2_000_000, loss: 0.1, roundTripMs: 23, path: 'udp' });
  });

  it('EVENT-3: count a stream once that is in two reports', () => {
    expect(count([out('a', 1000), out('a', 1000), out('b', 500)], 0).sentBytes).toBe(1500);
  });

  it('EVENT-3: say relay where a TURN server is between', () => {
    expect(count([pair, { id: 'l', type: 'local-candidate', protocol: 'udp', candidateType: 'relay' }], 0).path).toBe('relay');
  });

  it('EVENT-3: say nothing of a link that has begun anew', () => {
    const figures = compare(count([out('a', 90_000), arrives('b', 90_000, 90, 9)], 0), count([out('c', 10), arrives('d', 10, 1, 0)], 1000));
    expect(figures).toMatchObject({ sendsBps: 0, receivesBps: 0, loss: 0 });
  });

  it('EVENT-3: read nonsense as nothing', () => {
    expect(count([{ id: 'x', type: 'inbound-rtp', bytesReceived: 'many', packetsLost: Number.NaN }], 0)).toMatchObject({ receivedBytes: 0, lostPackets: 0 });
  });
});
