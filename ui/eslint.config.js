import js from '@eslint/js'
import a11y from 'eslint-plugin-jsx-a11y'
import hooks from 'eslint-plugin-react-hooks'
import { defineConfig, globalIgnores } from 'eslint/config'
import ts from 'typescript-eslint'

export default defineConfig([
  globalIgnores(['src/api/schema.ts', 'public']),
  {
    files: ['**/*.{ts,tsx}'],
    extends: [js.configs.recommended, ts.configs.strict, hooks.configs.flat.recommended, a11y.flatConfigs.strict],
    rules: {
      'max-lines': ['error', 500],
      'no-console': 'error',
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^@/features/', message: 'A feature is private to its folder.' }] },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: 'HTML is shown by <SafeHtml> alone.',
        },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
      // It is for React's compiler, which is not used here.
      'react-hooks/incompatible-library': 'off',
    },
  },
  // What joins the features may know them.
  { files: ['src/app/**'], rules: { 'no-restricted-imports': 'off' } },
])
