// Marks above the points: the selected segment and lines to its neighbours, the segment under the
// pointer, the lasso.

export class Marks {
  constructor(canvas, view, place) {
    [this.canvas, this.view, this.place] = [canvas, view, place];
    this.context = canvas.getContext("2d");
  }

  /** Paints the marks; `colour` is a function from a segment to its colour. */
  paint({ selected, near, over, lasso, radius, ratio, colour }) {
    const context = this.context;
    const style = getComputedStyle(this.canvas);
    const [text, page] = ["--text", "--page"].map((name) => style.getPropertyValue(name));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.view.width, this.view.height);
    if (selected >= 0) this.lines(selected, near, text);
    for (const number of near) this.ring(number, radius + 2, 1.5, text, colour(number));
    if (over >= 0) this.ring(over, radius + 2.5, 2, text, colour(over));
    if (selected >= 0) {
      this.ring(selected, radius + 6.5, 5, page, null);
      this.ring(selected, radius + 4, 3, text, colour(selected));
    }
    if (lasso.length) this.outline(lasso, text);
  }

  ring(number, radius, width, line, fill) {
    const context = this.context;
    context.beginPath();
    context.arc(...this.place(number), radius, 0, 2 * Math.PI);
    if (fill) context.fillStyle = fill;
    if (fill) context.fill();
    [context.lineWidth, context.strokeStyle] = [width, line];
    context.stroke();
  }

  lines(selected, near, colour) {
    const context = this.context;
    context.beginPath();
    for (const number of near) {
      context.moveTo(...this.place(selected));
      context.lineTo(...this.place(number));
    }
    [context.lineWidth, context.strokeStyle, context.globalAlpha] = [1, colour, 0.5];
    context.stroke();
    context.globalAlpha = 1;
  }

  /** Paints the lasso, whose points are in the plane. */
  outline(lasso, colour) {
    const context = this.context;
    context.beginPath();
    for (const point of lasso) context.lineTo(...this.view.toScreen(...point));
    context.closePath();
    [context.fillStyle, context.globalAlpha] = [colour, 0.08];
    context.fill("evenodd");
    [context.lineWidth, context.strokeStyle, context.globalAlpha] = [1.5, colour, 1];
    context.setLineDash([5, 4]);
    context.stroke();
    context.setLineDash([]);
  }
}
