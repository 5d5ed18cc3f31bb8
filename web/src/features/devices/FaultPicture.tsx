import type { ReactNode } from 'react';
import type { CaptureFault } from '../../media/capture';
import styles from './FaultPicture.module.css';

/** A small drawing of where the cure is: the switch beside the address, the socket, the other window, the lock, the room behind. */
export function FaultPicture({ fault }: { readonly fault: CaptureFault }) {
  return (
    <svg className={styles['picture']} viewBox="0 0 112 72" aria-hidden="true" focusable="false">
      {PICTURES[fault]}
    </svg>
  );
}

const WINDOW = (
  <>
    <rect className={styles['sheet']} x="4" y="8" width="104" height="58" rx="8" />
    <rect className={styles['field']} x="12" y="15" width="88" height="14" rx="7" />
  </>
);

const ALLOW = (
  <>
    {WINDOW}
    <circle className={styles['mark']} cx="20" cy="22" r="4.5" />
    <path className={styles['thin']} d="M36 22h44" />
    <rect className={styles['sheet']} x="12" y="34" width="62" height="24" rx="6" />
    <path className={styles['thin']} d="M20 46h20" />
    <rect className={styles['on']} x="48" y="40" width="20" height="12" rx="6" />
    <circle className={styles['knob']} cx="62" cy="46" r="4" />
    <path className={styles['arrow']} d="M20 27v5" />
  </>
);

const PICTURES: Readonly<Record<CaptureFault, ReactNode>> = {
  denied: ALLOW,
  'denied-by-system': (
    <>
      <rect className={styles['sheet']} x="4" y="8" width="104" height="58" rx="8" />
      <path className={styles['thin']} d="M14 20h26M14 32h26M14 44h18" />
      <path className={styles['thin']} d="M48 12v50" />
      <path className={styles['thin']} d="M58 28h20M58 46h20" />
      <rect className={styles['on']} x="84" y="22" width="18" height="11" rx="5.5" />
      <circle className={styles['knob']} cx="96.500" cy="27.500" r="3.600" />
      <rect className={styles['field']} x="84" y="41" width="18" height="11" rx="5.5" />
    </>
  ),
  missing: (
    <>
      <rect className={styles['sheet']} x="60" y="14" width="44" height="44" rx="10" />
      <path className={styles['arrow']} d="M76 30v8M88 30v8" />
      <path className={styles['arrow']} d="M6 36h20" />
      <rect className={styles['on']} x="26" y="26" width="18" height="20" rx="4" />
      <path className={styles['arrow']} d="M44 31h8M44 41h8" />
    </>
  ),
  busy: (
    <>
      <rect className={styles['sheet']} x="28" y="6" width="78" height="46" rx="8" />
      <path className={styles['arrow']} d="M92 14l6 6M98 14l-6 6" />
      <rect className={styles['sheet']} x="6" y="22" width="70" height="44" rx="8" />
      <circle className={styles['mark']} cx="41" cy="40" r="7" />
      <path className={styles['mark']} d="M28 60c2-9 24-9 26 0z" />
    </>
  ),
  insecure: (
    <>
      {WINDOW}
      <path className={styles['arrow']} d="M17 21v-2.500a3.500 3.500 0 0 1 7 0V21" />
      <rect className={styles['on']} x="15" y="21" width="11" height="6" rx="2" />
      <path className={styles['thin']} d="M34 22h54" />
      <path className={styles['thin']} d="M18 42h60M18 52h40" />
    </>
  ),
  'effect-failed': (
    <>
      <rect className={styles['sheet']} x="4" y="8" width="104" height="58" rx="8" />
      <rect className={styles['field']} x="14" y="17" width="24" height="20" rx="3" />
      <path className={styles['thin']} d="M26 17v20M14 27h24M80 20h18M80 28h18M80 36h18" />
      <circle className={styles['mark']} cx="56" cy="32" r="9" />
      <path className={styles['mark']} d="M38 60c3-15 33-15 36 0z" />
    </>
  ),
  unknown: ALLOW,
};
