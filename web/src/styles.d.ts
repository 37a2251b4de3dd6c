// Style sheets are imported for esbuild to bundle; they have no value.
declare module "*.css";
