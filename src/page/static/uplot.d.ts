// The page loads the library's own file under this name; see page-files.ts.
export { default } from 'uplot'
