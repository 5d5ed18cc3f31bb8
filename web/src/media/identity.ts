/** A LiveKit identity is `<participant id>.<connection id>` (MEDIA-3). */
export function parseIdentity(identity: string): { readonly participantId: string; readonly connectionId: string } {
  const dot = identity.indexOf('.');
  return dot < 0 ? { participantId: identity, connectionId: '' } : { participantId: identity.slice(0, dot), connectionId: identity.slice(dot + 1) };
}
