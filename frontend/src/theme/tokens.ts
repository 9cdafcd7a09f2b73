/**
 * The colours of both schemes. The style sheet and the charts read the same
 * values: tokensCss() writes them as custom properties, chart themes take them
 * as they are.
 */
export interface Tokens {
  bg: string; surface: string; sunken: string; hover: string
  line: string; line2: string
  text: string; text2: string; text3: string
  accent: string; accBg: string; accLine: string; accFg: string
  ok: string; okBg: string; okLine: string
  warn: string; warnBg: string; warnLine: string
  err: string; errBg: string; errLine: string
  s1: string; s2: string; s3: string; s4: string
  knn: string; pop: string
  diffAdd: string; diffDel: string; track: string
  codeKw: string; codeStr: string; codeNum: string; codeFn: string; codeCom: string
}

export const light: Tokens = {
  bg: '#FAFAF9', surface: '#FFFFFF', sunken: '#F5F5F3', hover: '#F0F0EE',
  line: '#E5E5E2', line2: '#D3D3CF',
  text: '#1A1B1E', text2: '#4B4E55', text3: '#676B73',
  accent: '#2B59C3', accBg: '#EDF2FD', accLine: '#C3D2F5', accFg: '#FFFFFF',
  ok: '#1B7A43', okBg: '#EAF6EF', okLine: '#BFE3CD',
  warn: '#8F5A00', warnBg: '#FDF4E3', warnLine: '#F0D9A8',
  err: '#C02F2B', errBg: '#FDEFEE', errLine: '#F4C9C6',
  s1: '#2B59C3', s2: '#B4570F', s3: '#7A4FB5', s4: '#0F7C7A',
  knn: '#5B5F68', pop: '#8A8E96',
  diffAdd: '#E6F5EC', diffDel: '#FCEBEA', track: '#E4E4E0',
  codeKw: '#8A3FA8', codeStr: '#1B7A43', codeNum: '#A34D0B', codeFn: '#2B59C3', codeCom: '#676B73',
}

export const dark: Tokens = {
  bg: '#121315', surface: '#18191C', sunken: '#0D0E10', hover: '#222428',
  line: '#2A2C31', line2: '#3B3E45',
  text: '#ECEDEE', text2: '#B5B8BF', text3: '#8F939C',
  accent: '#86A8FF', accBg: '#1B2540', accLine: '#33477F', accFg: '#0E1524',
  ok: '#5CC98A', okBg: '#13271C', okLine: '#24503A',
  warn: '#E3AE55', warnBg: '#2A2112', warnLine: '#57431C',
  err: '#FF8A80', errBg: '#2E1817', errLine: '#63302D',
  s1: '#86A8FF', s2: '#E7975A', s3: '#BE9AF0', s4: '#56C4C1',
  knn: '#B5B8BF', pop: '#8A8F99',
  diffAdd: '#15291D', diffDel: '#2E1A19', track: '#33363C',
  codeKw: '#D2A0EA', codeStr: '#7CD3A0', codeNum: '#E7975A', codeFn: '#9AB6FF', codeCom: '#8F939C',
}

/** Custom properties of a scheme: accBg becomes --acc-bg. */
export function variables(t: Tokens): Record<string, string> {
  return Object.fromEntries(
    Object.entries(t).map(([name, value]) => ['--' + name.replace(/[A-Z]/g, (c) => '-' + c.toLowerCase()), value as string]),
  )
}
