import type { ReactNode } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { IconButton } from './Button';
import styles from './Dialog.module.css';

/** A dialog with a heading and a way out. */
export function DialogBox({ heading, closeLabel, onClose, children }: { readonly heading: string; readonly closeLabel: string; readonly onClose: () => void; readonly children: ReactNode }) {
  return (
    <ModalOverlay className={styles['overlay'] ?? ''} isOpen isDismissable onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Modal className={styles['modal'] ?? ''} data-wide>
        <Dialog className={styles['dialog'] ?? ''}>
          <div className={styles['top']}>
            <Heading slot="title">{heading}</Heading>
            <IconButton icon="close" aria-label={closeLabel} onClick={onClose} />
          </div>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
