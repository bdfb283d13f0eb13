export interface GridColumn {
  id: string
  title: string
  width: number
  /** Numbers end where the column ends. */
  isNumber?: boolean
  /** Stays on the left while the others scroll, where there is room. */
  isPinned?: boolean
  /** Stays where it is and as it is, such as the boxes to select by. */
  isFixed?: boolean
  sort?: 'ascending' | 'descending' | 'none'
}
