import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

import { dark, light, variables } from './tokens'

/** Ten shades; 4 and 7 are the accents of the dark and the light scheme. */
const cobalt: MantineColorsTuple = [
  '#EDF2FD', '#DCE6FB', '#C3D2F5', '#A3BCFA', '#86A8FF', '#5C84E8', '#3F6CD6', '#2B59C3', '#234AA4', '#1B3A82',
]

/** A control is 30 px high with a 13-px label; 26 for the compact button. */
const controlVars = () => ({
  root: {}, wrapper: { '--input-height': '30px', '--input-fz': '13px', '--input-padding': '8px' },
})

export const theme = createTheme({
  primaryColor: 'cobalt',
  primaryShade: { light: 7, dark: 4 },
  colors: { cobalt },
  autoContrast: true,
  fontFamily: "'Inter', system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono', ui-monospace, monospace",
  fontSizes: { xs: '11px', sm: '12px', md: '13px', lg: '18px', xl: '22px' },
  lineHeights: { xs: '16px', sm: '16px', md: '20px', lg: '24px', xl: '28px' },
  spacing: { xs: '4px', sm: '8px', md: '16px', lg: '24px', xl: '32px' },
  radius: { xs: '4px', sm: '6px', md: '8px' },
  defaultRadius: 'sm',
  focusRing: 'auto',
  respectReducedMotion: true,
  cursorType: 'pointer',
  shadows: { xs: 'none', sm: 'none', md: '0 4px 16px rgb(0 0 0 / .08)', lg: '0 4px 16px rgb(0 0 0 / .08)', xl: '0 4px 16px rgb(0 0 0 / .08)' },
  // Plain objects, not Component.extend: a theme that imports components would put all of them into the first chunk.
  components: {
    Button: {
      defaultProps: { size: 'xs', variant: 'default' },
      vars: (_: unknown, p: { size?: string | number }) => ({
        root: {
          '--button-height': p.size?.toString().startsWith('compact') ? '26px' : '30px',
          '--button-fz': '13px',
          '--button-padding-x': p.size?.toString().startsWith('compact') ? '8px' : '12px',
        },
      }),
      styles: { root: { fontWeight: 500 } },
    },
    TextInput: { defaultProps: { size: 'xs' }, vars: controlVars },
    PasswordInput: { defaultProps: { size: 'xs' } },
    NumberInput: { defaultProps: { size: 'xs', thousandSeparator: false }, vars: () => ({ controls: {}, root: {}, wrapper: { '--input-height': '30px', '--input-fz': '13px' } }) },
    Select: { defaultProps: { size: 'xs', allowDeselect: false, checkIconPosition: 'right', comboboxProps: { shadow: 'md' } }, vars: controlVars },
    Textarea: { defaultProps: { size: 'xs' } },
    Checkbox: { defaultProps: { size: 'xs', radius: 'xs' } },
    Switch: { defaultProps: { size: 'xs' } },
    SegmentedControl: { defaultProps: { size: 'xs', withItemsBorders: false } },
    Paper: { defaultProps: { withBorder: true, shadow: 'none', radius: 'md' } },
    Badge: { defaultProps: { variant: 'light', radius: 'xs' }, styles: { root: { textTransform: 'none' } } },
    Tabs: { defaultProps: { variant: 'default', keepMounted: false } },
    Table: { defaultProps: { verticalSpacing: 0, highlightOnHover: true } },
    Tooltip: { defaultProps: { openDelay: 250, withArrow: false, multiline: true, maw: 320, events: { hover: true, focus: true, touch: true } } },
    Menu: { defaultProps: { shadow: 'md', radius: 'sm', position: 'bottom-end' } },
    Popover: { defaultProps: { shadow: 'md', radius: 'sm' } },
    Modal: { defaultProps: { radius: 'md', centered: true, overlayProps: { backgroundOpacity: 0.35 }, transitionProps: { duration: 100 } } },
  },
})

/** Both schemes' tokens, and Mantine's own variables on top of them. */
export const resolver: CSSVariablesResolver = () => {
  const own = (t: typeof light) => ({
    ...variables(t),
    '--mantine-color-body': t.bg,
    '--mantine-color-text': t.text,
    '--mantine-color-dimmed': t.text3,
    '--mantine-color-placeholder': t.text3,
    '--mantine-color-default': t.surface,
    '--mantine-color-default-hover': t.hover,
    '--mantine-color-default-color': t.text,
    '--mantine-color-default-border': t.line2,
    '--mantine-color-error': t.err,
    '--mantine-color-anchor': t.accent,
    '--mantine-color-disabled': t.hover,
    '--mantine-color-disabled-color': t.text3,
    '--mantine-color-disabled-border': t.line,
    '--mantine-primary-color-filled': t.accent,
    '--mantine-color-cobalt-filled': t.accent,
    '--mantine-primary-color-contrast': t.accFg,
  })
  return { variables: {}, light: own(light), dark: own(dark) }
}
