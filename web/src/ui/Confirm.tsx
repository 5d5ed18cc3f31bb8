import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { Button } from './Button';
import styles from './Dialog.module.css';

export interface ConfirmProps {
  readonly isOpen: boolean;
  readonly heading: string;
  readonly text: string;
  readonly confirm: string;
  readonly cancel: string;
  readonly onAnswer: (isYes: boolean) => void;
}

/** A question before something that cannot be taken back. */
export function Confirm({ isOpen, heading, text, confirm, cancel, onAnswer }: ConfirmProps) {
  return (
    <ModalOverlay className={styles['overlay'] ?? ''} isOpen={isOpen} isDismissable onOpenChange={(open) => !open && onAnswer(false)}>
      <Modal className={styles['modal'] ?? ''}>
        <Dialog role="alertdialog" className={styles['dialog'] ?? ''}>
          <Heading slot="title">{heading}</Heading>
          <p>{text}</p>
          <div className={styles['actions']}>
            <Button tone="quiet" onClick={() => onAnswer(false)} autoFocus>
              {cancel}
            </Button>
            <Button tone="stop" onClick={() => onAnswer(true)}>
              {confirm}
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
