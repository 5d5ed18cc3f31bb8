/** The part of Trusted Types (W3C) that the page uses; TypeScript's DOM library does not have it yet. */
interface TrustedScriptURL {
  readonly __brand: 'TrustedScriptURL';
}

interface TrustedTypePolicy {
  createScriptURL(input: string): TrustedScriptURL;
}

interface Window {
  readonly trustedTypes?: {
    readonly defaultPolicy: TrustedTypePolicy | null;
    createPolicy(name: string, rules: { createScriptURL?: (input: string) => string }): TrustedTypePolicy;
  };
}

interface ImportMetaEnv {
  /** Where the build puts the background segmenter, as an absolute path that ends in a slash. */
  readonly VITE_BLUR_FOLDER: string;
}
