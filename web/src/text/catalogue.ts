import type { en } from './en';

type Category = 'zero' | 'one' | 'two' | 'few' | 'many' | 'other';
type Key = keyof typeof en;
type Base<K> = K extends `${infer B}_${Category}` ? B : never;
type Plain = { [K in Key]: K extends `${string}_${Category}` ? never : K }[Key];

/** A whole language: every plain sentence, and of each plural at least `other`; a language may have more forms than English. */
export type Catalogue = Readonly<Record<Plain, string>> & Readonly<Record<`${Base<Key>}_other`, string>> & Readonly<Partial<Record<`${Base<Key>}_${Category}`, string>>>;
