export { Models } from './Models'
export { NewFeatures } from './NewFeatures'
export { FeaturesPage } from './FeaturesPage'
