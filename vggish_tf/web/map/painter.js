// Painters: points as discs, by WebGL where there is one, and else into the pixels of a canvas.
// Both take the same: places, an order, a colour each ([r, g, b, alpha] bytes) and a radius.

/** The painter that this browser can have. */
export function painterFor(canvas, x, y) {
  const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: false });
  return gl ? new WebGLPainter(canvas, gl, x, y) : new CanvasPainter(canvas, x, y);
}

const VERTEX = `#version 300 es
in vec2 place; in vec4 colour;
uniform vec2 centre, scale; uniform float size;
out vec4 shade;
void main() {
  gl_Position = vec4((place - centre) * scale, 0.0, 1.0);
  gl_PointSize = size;
  shade = colour;
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 shade; uniform float size; out vec4 pixel;
void main() {
  float edge = size * (0.5 - length(gl_PointCoord - 0.5));
  if (edge <= 0.0) discard;
  pixel = vec4(shade.rgb, shade.a * min(edge, 1.0));
}`;

class WebGLPainter {
  constructor(canvas, gl, x, y) {
    [this.canvas, this.gl, this.name] = [canvas, gl, "webgl"];
    this.places = Float32Array.from({ length: 2 * x.length }, (_, at) => (at % 2 ? y : x)[at >> 1]);
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.prepare();
      this.colour(this.colours, this.order);
      this.paint(...this.last);
    });
    this.prepare();
  }

  prepare() {
    const gl = this.gl;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.uniform = (name) => gl.getUniformLocation(program, name);
    this.fill("place", program, this.places, 2, gl.FLOAT);
    this.colourBuffer = this.fill("colour", program, new Uint8Array(0), 4, gl.UNSIGNED_BYTE);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.enable(gl.BLEND);
    gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  fill(name, program, values, size, kind) {
    const gl = this.gl;
    const [buffer, place] = [gl.createBuffer(), gl.getAttribLocation(program, name)];
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, kind, kind === gl.UNSIGNED_BYTE, 0, 0);
    return buffer;
  }

  /** Takes the colours of all points, and the points to paint, the last one on top. */
  colour(colours, order) {
    [this.colours, this.order] = [colours, order];
    const gl = this.gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.colourBuffer);
    gl.bufferData(gl.ARRAY_BUFFER, colours, gl.DYNAMIC_DRAW);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, order, gl.DYNAMIC_DRAW);
  }

  paint(view, radius, ratio) {
    this.last = [view, radius, ratio];
    const gl = this.gl;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(this.uniform("centre"), view.x, view.y);
    const scale = [(2 * view.scale) / view.width, (2 * view.scale) / view.height];
    gl.uniform2f(this.uniform("scale"), ...scale);
    gl.uniform1f(this.uniform("size"), 2 * radius * ratio);
    gl.drawElements(gl.POINTS, this.order.length, gl.UNSIGNED_INT, 0);
  }
}

class CanvasPainter {
  constructor(canvas, x, y) {
    [this.canvas, this.x, this.y, this.name] = [canvas, x, y, "canvas"];
    this.context = canvas.getContext("2d");
  }

  colour(colours, order) {
    [this.colours, this.order] = [new Uint32Array(colours.buffer), order];
  }

  paint(view, radius, ratio) {
    const { width, height } = this.canvas;
    if (this.image?.width !== width || this.image?.height !== height) {
      this.image = this.context.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    this.pixels.fill(0);
    this.stamp(view, disc(radius * ratio), ratio);
    this.context.putImageData(this.image, 0, 0);
  }

  /** Puts the disc at each point; its soft edge is left out where there is another disc. */
  stamp(view, { reach, alpha }, ratio) {
    const { pixels, order, colours, x, y } = this;
    const { width, height } = this.canvas;
    const scale = view.scale * ratio;
    const [left, top] = [width / 2 - view.x * scale, height / 2 + view.y * scale];
    for (let at = 0; at < order.length; at++) {
      const point = order[at];
      const column = Math.round(left + x[point] * scale);
      const row = Math.round(top - y[point] * scale);
      if (column < reach || column >= width - reach || row < reach || row >= height - reach) continue;
      const colour = colours[point];
      const [opaque, full] = [colour & 0xffffff, colour >>> 24];
      let [from, cell] = [(row - reach) * width + column - reach, 0];
      for (let down = -reach; down <= reach; down++, from += width - 2 * reach - 1) {
        for (let across = -reach; across <= reach; across++, from++, cell++) {
          const share = alpha[cell];
          if (share === 255) pixels[from] = colour;
          else if (share && !pixels[from]) pixels[from] = (opaque | (((share * full) / 255) << 24)) >>> 0;
        }
      }
    }
  }
}

/** How much of each pixel a disc covers, 0 to 255, in a square of 2 reach + 1 pixels. */
function disc(radius) {
  const reach = Math.ceil(radius);
  const alpha = new Uint8Array((2 * reach + 1) ** 2);
  for (let at = 0; at < alpha.length; at++) {
    const across = (at % (2 * reach + 1)) - reach;
    const down = Math.floor(at / (2 * reach + 1)) - reach;
    const covered = radius + 0.5 - Math.hypot(across, down);
    alpha[at] = Math.round(255 * Math.max(0, Math.min(1, covered)));
  }
  return { reach, alpha };
}
