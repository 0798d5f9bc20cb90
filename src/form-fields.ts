/** Far beyond what any form or query of the API's has. */
export const MAX_FIELDS = 1000

/** Whether a form, or a query, has more than {@link MAX_FIELDS} fields. `;` may divide them as well. */
export function hasManyFields(form: string): boolean {
  let fields = 1
  for (const character of form) {
    if ((character === '&' || character === ';') && ++fields > MAX_FIELDS) return true
  }
  return false
}

/**
 * The fields of a form, or of a query, `?` included or not. Node 26 looks for the `=` of a field in all that follows: for fields without
 * one, that would cost the square of their number.
 */
export function formFields(form: string): URLSearchParams {
  const fields = (form.startsWith('?') ? form.slice(1) : form).split('&')
  // Behind an ampersand, a question mark is a character as any other.
  return new URLSearchParams(`&${fields.map(withEquals).join('&')}`)
}

function withEquals(field: string): string {
  return field === '' || field.includes('=') ? field : `${field}=`
}
