// The page's own words, so that a scene can press the same button in any language.

import { ar } from "../../../web/src/text/ar.ts";
import { en } from "../../../web/src/text/en.ts";

export type Language = "en" | "ar";
export type Key = keyof typeof en;

const CATALOGUES: Readonly<Record<Language, Readonly<Partial<Record<string, string>>>>> = { en, ar };

/** What the page says for a key. */
export function words(language: Language, key: Key, values: Readonly<Record<string, string>> = {}): string {
  const text = CATALOGUES[language][key];
  if (text === undefined) throw new Error(`${language} has no "${key}"`);
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? "");
}
