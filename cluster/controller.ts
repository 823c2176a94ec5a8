/** placeholder header */
export class Controller {}
