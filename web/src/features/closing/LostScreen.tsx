import { useSay } from '../../text/say-context';
import { Button } from '../../ui/Button';
import { Message } from '../../ui/Message';

/** An address that is no meeting's. */
export function LostScreen({ onHome }: { readonly onHome: () => void }) {
  const say = useSay();
  return (
    <Message heading={say('out.lostHeading')} text={say('out.lostText')}>
      <Button onClick={onHome}>{say('out.home')}</Button>
    </Message>
  );
}
