// Painters: points as discs, by WebGL if there is a graphics processor, otherwise into the pixels of
// a canvas. Both take places, an order, colours ([r, g, b, alpha] bytes) and a radius.

const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;

/**
 * The painter that suits this browser. WebGL without a graphics processor is not used, since it is
 * slower than a canvas. `#webgl` or `#canvas` at the end of the page's address chooses one.
 */
export function painterFor(canvas, x, y) {
  const gl = location.hash === "#canvas" ? null : contextOf(document.createElement("canvas"));
  if (!gl || (location.hash !== "#webgl" && SOFTWARE.test(rendererOf(gl))))
    return new CanvasPainter(canvas, x, y);
  const painter = new WebGLPainter(canvas, contextOf(canvas), x, y);
  if (painter.works) return painter;
  const fresh = canvas.cloneNode();
  canvas.replaceWith(fresh); // a canvas has only one kind of context
  return new CanvasPainter(fresh, x, y);
}

function contextOf(canvas) {
  return canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: false });
}

function rendererOf(gl) {
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  return String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
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
precision highp float;
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
    this.works = gl.getProgramParameter(program, gl.LINK_STATUS);
    if (!this.works) return;
    gl.useProgram(program);
    const names = ["centre", "scale", "size"];
    [this.centre, this.scale, this.size] = names.map((name) => gl.getUniformLocation(program, name));
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

  /** Sets the colours of all points, and the points to paint, the last one on top. */
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
    gl.uniform2f(this.centre, view.x, view.y);
    const scale = [(2 * view.scale) / view.width, (2 * view.scale) / view.height];
    gl.uniform2f(this.scale, ...scale);
    gl.uniform1f(this.size, 2 * radius * ratio);
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
    this.stamp(view, disc(radius * ratio, width), ratio);
    this.context.putImageData(this.image, 0, 0);
  }

  /** Puts a disc at each point; its soft edge is left out over another disc. */
  stamp(view, { reach, inside, edge, alpha }, ratio) {
    const { pixels, order, colours, x, y } = this;
    const { width, height } = this.canvas;
    const scale = view.scale * ratio;
    const [left, top] = [width / 2 - view.x * scale, height / 2 + view.y * scale];
    for (let at = 0; at < order.length; at++) {
      const point = order[at];
      const column = Math.round(left + x[point] * scale);
      const row = Math.round(top - y[point] * scale);
      if (column < reach || column >= width - reach || row < reach || row >= height - reach) continue;
      const [middle, colour] = [row * width + column, colours[point]];
      const [opaque, full] = [colour & 0xffffff, colour >>> 24];
      for (let cell = 0; cell < inside.length; cell++) pixels[middle + inside[cell]] = colour;
      for (let cell = 0; cell < edge.length; cell++) {
        const pixel = middle + edge[cell];
        if (!pixels[pixel]) pixels[pixel] = opaque | ((alpha[cell] * full) << 24);
      }
    }
  }
}

/**
 * The pixels of a disc, as offsets from its middle pixel in a picture of a width: those inside, and
 * those of its edge with their covered share.
 */
function disc(radius, width) {
  const [reach, inside, edge, alpha] = [Math.ceil(radius), [], [], []];
  for (let down = -reach; down <= reach; down++) {
    for (let across = -reach; across <= reach; across++) {
      const covered = radius + 0.5 - Math.hypot(across, down);
      const pixel = down * width + across;
      if (covered >= 1) inside.push(pixel);
      else if (covered > 0) [edge.push(pixel), alpha.push(covered)];
    }
  }
  return { reach, inside: Int32Array.from(inside), edge: Int32Array.from(edge), alpha };
}
