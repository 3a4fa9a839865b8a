// Track: the rows of one stage over time, for one picture; a column is a frame or several.
//
// A microphone has no end: the last `columns` frames are kept. If a file has more frames than
// columns, a column holds the largest of several, so that a click is visible.

export class Track {
  /**
   * @param rows numbers in a frame
   * @param columns the largest number of columns in the picture
   * @param numFrames frames of the whole sound; Infinity if it has no end
   */
  constructor(rows, columns, numFrames = Infinity) {
    this.rows = rows;
    this.endless = numFrames === Infinity;
    this.perColumn = this.endless ? 1 : Math.max(1, Math.ceil(numFrames / columns));
    this.columns = this.endless ? columns : Math.max(1, Math.ceil(numFrames / this.perColumn));
    this.values = new Float32Array(rows * this.columns).fill(NaN);
    this.taken = new Int32Array(this.columns).fill(-1); // place → the column of the sound in it
    this.last = -1;
  }

  /** The largest number that is shown; −Infinity if there is none. */
  get highest() {
    let highest = -Infinity;
    for (const value of this.values) if (value > highest) highest = value;
    return highest;
  }

  /** Extends the time axis to a column, for which this stage has no values yet. */
  reach(column) {
    this.last = Math.max(this.last, column);
  }

  /** The first column of the sound that is shown. */
  get first() {
    return Math.max(0, this.last - this.columns + 1);
  }

  /** Puts a frame in its place; several in one column are reduced by `reduce`. */
  put(frame, values, reduce = Math.max) {
    const column = Math.floor(frame / this.perColumn), place = column % this.columns;
    if (column < this.first || (!this.endless && column >= this.columns)) return; // outside
    const start = place * this.rows, isNew = this.taken[place] !== column;
    for (let i = 0; i < this.rows; i++) {
      const value = values[i];
      this.values[start + i] = isNew ? value : reduce(this.values[start + i], value);
    }
    this.taken[place] = column;
    this.last = Math.max(this.last, column);
  }

  /** The numbers of a column of the sound, or null. */
  at(column) {
    const place = column % this.columns;
    if (column < 0 || this.taken[place] !== column) return null;
    return this.values.subarray(place * this.rows, (place + 1) * this.rows);
  }

  /** [first, last] frame that is shown, the last one excluded. */
  frames() {
    return [this.first * this.perColumn, (this.first + this.columns) * this.perColumn];
  }
}

/** The one of two signed numbers that is further from zero. */
export const furthest = (a, b) => (Math.abs(b) > Math.abs(a) ? b : a);
