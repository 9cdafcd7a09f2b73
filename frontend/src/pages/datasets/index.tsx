export { Datasets } from './Datasets'
export { NewDataset } from './NewDataset'
export { DatasetPage } from './DatasetPage'
