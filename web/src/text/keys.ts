import type { en } from './en';

/** Every sentence of the page has a key; English is the source. Plurals end in `_one`, `_other` and the like. */
type Plural<K> = K extends `${infer Base}_${'zero' | 'one' | 'two' | 'few' | 'many' | 'other'}` ? Base : K;
export type TextKey = Plural<keyof typeof en>;
export type TextValues = Readonly<Record<string, string | number>>;
