export { Experiments } from './Experiments'
export { NewExperiment } from './NewExperiment'
export { ExperimentPage } from './ExperimentPage'
