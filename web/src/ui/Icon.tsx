import type { ReactNode } from 'react';

/** The page's icons: 24 by 24, one line width, drawn for moot. */
const SHAPES = {
  plus: <path d="M12 5v14M5 12h14" />,
  hash: <path d="M4 9h16M4 15h16M10 4 8 20M16 4l-2 16" />,
  microphone: (
    <>
      <rect x="9" y="3" width="6" height="11" rx="3" />
      <path d="M5 11a7 7 0 0 0 14 0M12 18v3" />
    </>
  ),
  microphoneOff: (
    <>
      <path d="M9 9V6a3 3 0 0 1 6 0v5c0 .4-.1.8-.2 1.200M12 14a3 3 0 0 1-3-3M5 11a7 7 0 0 0 10.800 5.900M19 11a7 7 0 0 1-.6 2.800M12 18v3" />
      <path d="m4 4 16 16" />
    </>
  ),
  camera: (
    <>
      <rect x="3" y="6" width="12" height="12" rx="2.500" />
      <path d="m15 11 6-3v8l-6-3" />
    </>
  ),
  cameraOff: (
    <>
      <path d="M4.400 6.400A2.500 2.500 0 0 0 3 8.500v7A2.500 2.500 0 0 0 5.500 18h7c.9 0 1.700-.5 2.100-1.200M9.500 6h3A2.500 2.500 0 0 1 15 8.500V11l6-3v8l-3.500-1.700" />
      <path d="m4 4 16 16" />
    </>
  ),
  screen: (
    <>
      <rect x="3" y="4" width="18" height="13" rx="2.500" />
      <path d="M8 21h8M12 13V8m-2.500 2.500L12 8l2.500 2.500" />
    </>
  ),
  smile: (
    <>
      <circle cx="12" cy="12" r="9" />
      <path d="M8.500 14.500a4.500 4.500 0 0 0 7 0M9 9.500v.1M15 9.500v.1" />
    </>
  ),
  hand: <path d="M7 12V6.500a1.500 1.500 0 0 1 3 0V11 4.500a1.500 1.500 0 0 1 3 0V11 6a1.500 1.500 0 0 1 3 0v6-2.500a1.500 1.500 0 0 1 3 0V14c0 4.400-2.600 7-6.500 7-3 0-4.700-1.300-6-4l-1.900-3.800a1.500 1.500 0 0 1 2.600-1.400L7 13" />,
  chat: <path d="M6 4h12a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3h-6l-5 4v-4H6a3 3 0 0 1-3-3V7a3 3 0 0 1 3-3z" />,
  people: (
    <>
      <circle cx="9" cy="8" r="3.500" />
      <path d="M2.500 20a6.500 6.500 0 0 1 13 0M16 4.800a3.500 3.500 0 0 1 0 6.400M18 14.200a6.500 6.500 0 0 1 3.500 5.800" />
    </>
  ),
  more: <path d="M5 12h.1M12 12h.1M19 12h.1" strokeWidth="3" />,
  leave: <path d="M3 14.500c0-2 4-4.500 9-4.500s9 2.500 9 4.500V16a1 1 0 0 1-1.200 1l-3.600-.7a1 1 0 0 1-.8-1V13.500a14 14 0 0 0-6.800 0v1.800a1 1 0 0 1-.8 1l-3.600.7A1 1 0 0 1 3 16z" />,
  copy: (
    <>
      <rect x="9" y="9" width="11" height="11" rx="2.500" />
      <path d="M5 15V6.500A2.500 2.500 0 0 1 7.500 4H15" />
    </>
  ),
  check: <path d="m5 12.500 4.500 4.500L19 7.500" />,
  close: <path d="m6 6 12 12M18 6 6 18" />,
  down: <path d="m6 9 6 6 6-6" />,
  left: <path d="m15 6-6 6 6 6" />,
  right: <path d="m9 6 6 6-6 6" />,
  send: <path d="M12 19V5m-6 6 6-6 6 6" />,
  blur: (
    <>
      <circle cx="12" cy="9" r="3.500" />
      <path d="M5 20a7 7 0 0 1 14 0" />
      <path d="M3 5v.1M21 5v.1M3 10v.1M21 10v.1M3 15v.1M21 15v.1" strokeWidth="3" />
    </>
  ),
  hint: (
    <>
      <circle cx="12" cy="12" r="9" />
      <path d="M12 8v5M12 16v.1" />
    </>
  ),
  pin: <path d="M12 21v-6M8 15h8M9 4h6l-1 5 3 3.500V15H7v-2.500L10 9z" />,
  grid: (
    <>
      <rect x="4" y="4" width="6.500" height="6.500" rx="1.500" />
      <rect x="13.500" y="4" width="6.500" height="6.500" rx="1.500" />
      <rect x="4" y="13.500" width="6.500" height="6.500" rx="1.500" />
      <rect x="13.500" y="13.500" width="6.500" height="6.500" rx="1.500" />
    </>
  ),
  speakerView: (
    <>
      <rect x="3" y="5" width="12" height="14" rx="2" />
      <path d="M18.500 6h2M18.500 12h2M18.500 18h2" strokeWidth="3" />
    </>
  ),
  sideView: (
    <>
      <rect x="3" y="5" width="8" height="14" rx="2" />
      <rect x="13" y="5" width="8" height="14" rx="2" />
    </>
  ),
  settings: (
    <>
      <path d="M4 7h9M17 7h3M4 17h3M11 17h9" />
      <circle cx="15" cy="7" r="2" />
      <circle cx="9" cy="17" r="2" />
    </>
  ),
  speaker: <path d="M4 9.500v5h3.500L12 19V5L7.500 9.500zM15.500 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11" />,
  fullScreen: <path d="M4 9V5.500A1.500 1.500 0 0 1 5.500 4H9M15 4h3.500A1.500 1.500 0 0 1 20 5.500V9M20 15v3.500a1.500 1.500 0 0 1-1.500 1.500H15M9 20H5.500A1.500 1.500 0 0 1 4 18.500V15" />,
  floating: (
    <>
      <rect x="3" y="5" width="18" height="14" rx="2.500" />
      <rect x="12" y="12" width="6" height="4" rx="1" />
    </>
  ),
  keyboard: (
    <>
      <rect x="2.500" y="6" width="19" height="12" rx="2.500" />
      <path d="M6 10h.1M10 10h.1M14 10h.1M18 10h.1M8 14h8" />
    </>
  ),
  signal: <path d="M5 19v-3M10 19v-6M15 19V9M20 19V5" />,
  link: <path d="M10 14a4 4 0 0 0 5.700 0l3-3a4 4 0 1 0-5.700-5.700l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3A4 4 0 1 0 11 18.700l1-1" />,
  lock: (
    <>
      <rect x="5" y="11" width="14" height="9" rx="2.500" />
      <path d="M8 11V8a4 4 0 0 1 8 0v3" />
    </>
  ),
  reply: <path d="M9 6 4 11l5 5M4 11h10a6 6 0 0 1 6 6v1" />,
  edit: <path d="M5 19h3L19 8l-3-3L5 16z" />,
  bin: <path d="M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12" />,
} satisfies Readonly<Record<string, ReactNode>>;

export type IconName = keyof typeof SHAPES;

/** An icon beside or instead of words; always decoration, the words carry the meaning. */
export function Icon({ name, size = 20 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
      data-flips={name === 'left' || name === 'right' || name === 'reply' || undefined}
    >
      {SHAPES[name]}
    </svg>
  );
}
