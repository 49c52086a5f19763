import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

/** One direction: lib, ui, charts and stream know nothing of features; features know nothing of app. */
const upward = (...groups) => ({
  "no-restricted-imports": ["error", { patterns: groups.map((group) => ({ group: [group], message: "wrong direction" })) }],
});

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "src/contracts/"] },
  js.configs.recommended,
  {
    files: ["src/**/*.{ts,tsx}"],
    extends: [...tseslint.configs.strictTypeChecked, jsxA11y.flatConfigs.strict, reactHooks.configs.flat.recommended],
    languageOptions: { globals: globals.browser, parserOptions: { projectService: true } },
    rules: {
      "max-lines": ["error", { max: 200, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "max-params": ["error", 5],
      complexity: ["error", 12],
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-console": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "no-restricted-syntax": [
        "error",
        { selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
          message: "Age is judged on the monotonic clock: stream/clock.ts." },
      ],
    },
  },
  { files: ["src/lib/**"], rules: upward("**/stream/*", "**/ui/*", "**/features/**", "**/app/*", "**/charts/*", "react") },
  { files: ["src/stream/**"], rules: upward("**/ui/*", "**/features/**", "**/app/*", "**/charts/*") },
  { files: ["src/charts/**"], rules: upward("**/stream/*", "**/features/**", "**/app/*") },
  { files: ["src/ui/**"], rules: upward("**/features/**", "**/app/*") },
  { files: ["src/features/**"], rules: upward("**/app/*") },
  { files: ["src/**/*.test.{ts,tsx}"], rules: { "max-lines-per-function": "off", "max-lines": ["error", 400] } },
  { files: ["scripts/**", "*.{js,ts}"], languageOptions: { globals: { ...globals.node, document: "readonly" } } },
);
