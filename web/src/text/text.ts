import { createInstance, type i18n } from 'i18next';
import { Live, type ReadLive } from '../live';
import { en } from './en';
import type { Catalogue } from './catalogue';
import type { TextKey, TextValues } from './keys';

/** The languages the page speaks, each named in itself. */
export const LANGUAGES = { en: 'English', de: 'Deutsch', fr: 'Français', es: 'Español', ar: 'العربية' } as const;
export type Language = keyof typeof LANGUAGES;

const RIGHT_TO_LEFT: ReadonlySet<Language> = new Set(['ar']);


const CATALOGUES: Readonly<Record<Exclude<Language, 'en'>, () => Promise<Catalogue>>> = {
  de: async () => (await import('./de')).de,
  fr: async () => (await import('./fr')).fr,
  es: async () => (await import('./es')).es,
  ar: async () => (await import('./ar')).ar,
};

/** Say something in the person's language. */
export type Say = (key: TextKey, values?: TextValues) => string;

/** The language chosen, or the first that the browser asks for and the page speaks, or English. */
export function pickLanguage(chosen: string, wanted: readonly string[]): Language {
  for (const tag of [chosen, ...wanted]) {
    const primary = tag.toLowerCase().split('-')[0] ?? '';
    if (Object.hasOwn(LANGUAGES, primary)) return primary as Language;
  }
  return 'en';
}

/** The page's words, in one language at a time. */
export class Text {
  readonly #language = new Live<Language>('en');
  readonly #say: Live<Say>;
  readonly #catalogues: i18n;
  #wanted: Language = 'en';

  constructor() {
    this.#catalogues = createInstance();
    void this.#catalogues.init({
      lng: 'en',
      resources: { en: { translation: en } },
      keySeparator: false,
      nsSeparator: false,
      initAsync: false,
      showSupportNotice: false,
      // React escapes; escaping twice would show people "&amp;".
      interpolation: { escapeValue: false },
    });
    this.#say = new Live<Say>(this.#fixed('en'));
  }

  get language(): ReadLive<Language> {
    return this.#language;
  }

  get say(): ReadLive<Say> {
    return this.#say;
  }

  /**
   * Load a language if need be, and speak it from then on, unless another has been asked for meanwhile. What was spoken
   * stays where its words cannot be loaded.
   */
  async use(language: Language): Promise<void> {
    this.#wanted = language;
    if (language !== 'en' && !this.#catalogues.hasResourceBundle(language, 'translation')) {
      try {
        this.#catalogues.addResourceBundle(language, 'translation', await CATALOGUES[language]());
      } catch {
        return;
      }
    }
    await this.#catalogues.changeLanguage(language);
    if (language !== this.#wanted) return;
    document.documentElement.lang = language;
    document.documentElement.dir = RIGHT_TO_LEFT.has(language) ? 'rtl' : 'ltr';
    this.#language.set(language);
    this.#say.set(this.#fixed(language));
  }

  #fixed(language: Language): Say {
    const translate = this.#catalogues.getFixedT(language);
    return (key, values) => translate(key, { ...values });
  }
}
