/**
 * The shaders of the fleet's layer. A cell is one instance of a square whose count moves from an old to a new value.
 */

const INSTANCE = `#version 300 es
precision highp float;
layout(location = 0) in vec2 corner;  // -1 or 1
layout(location = 1) in vec2 center;  // Mercator, relative to the picture's anchor
layout(location = 2) in vec2 extent;  // half of the cell's size, Mercator
layout(location = 3) in vec3 life;    // count before, count now, second of the change
uniform mat4 matrix;
uniform float scale;                  // pixels per unit of Mercator
uniform float now;
uniform float duration;
uniform float least;                  // the least count that there is to see
// In leasts, as are all counts from here on.
float count() {
  return mix(life.x, life.y, smoothstep(0.0, 1.0, (now - life.z) / duration)) / least;
}`

const RAMP = `
uniform vec3 ramp[5];
uniform float logTop;
// Where on the scale a count lies: 1 at its beginning, the top and all beyond at its end.
float place(float count) { return clamp(log(max(count, 1.0)) / logTop, 0.0, 1.0); }
vec3 color(float t) {
  float x = t * 4.0;
  vec3 c = mix(ramp[0], ramp[1], clamp(x, 0.0, 1.0));
  c = mix(c, ramp[2], clamp(x - 1.0, 0.0, 1.0));
  c = mix(c, ramp[3], clamp(x - 2.0, 0.0, 1.0));
  return mix(c, ramp[4], clamp(x - 3.0, 0.0, 1.0));
}`

/** First pass: how many drivers there are around each pixel, in leasts per area of one cell. */
export const DENSITY = {
  vertex: `${INSTANCE}
uniform vec2 viewport;                // pixels
uniform float radius;                 // pixels
out vec2 at;
out float strength;
void main() {
  at = corner;
  // The kernel's sum over an area with the least count in every cell is one, at every zoom: it integrates to 0.2086.
  strength = count() * 4.0 * extent.x * extent.y * scale * scale / (0.2086 * 3.14159 * radius * radius);
  vec4 p = matrix * vec4(center, 0.0, 1.0);
  gl_Position = p + vec4(corner * radius * 2.0 / viewport * p.w, 0.0, 0.0);
}`,
  fragment: `#version 300 es
precision highp float;
in vec2 at;
in float strength;
out vec4 result;
void main() {
  result = vec4(strength * max(0.0, exp(-4.5 * dot(at, at)) - 0.0111), 0.0, 0.0, 1.0);
}`,
}

/** Second pass: the density as a soft light over the map. */
export const GLOW = {
  vertex: `#version 300 es
out vec2 uv;
void main() {
  uv = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0;
  gl_Position = vec4(uv * 2.0 - 1.0, 0.0, 1.0);
}`,
  fragment: `#version 300 es
precision highp float;
in vec2 uv;
uniform sampler2D density;
uniform float opacity;
uniform float cover;
uniform float lines;
uniform float intervals;
uniform vec3 lineColor;
out vec4 result;
${RAMP}
void main() {
  float d = texture(density, uv).r;
  float t = place(d);
  // What is thinner than the least count a cell has the first colour and fades; the rest has the colours of the legend.
  float alpha = opacity * mix(0.5 * sqrt(smoothstep(0.0, 1.0, d)), 1.0, smoothstep(0.0, 0.6, t));
  // Lines of equal density, where the legend has its numbers.
  float steps = log(max(d, 0.05)) / logTop * intervals;
  float away = abs(fract(steps + 0.5) - 0.5) / max(fwidth(steps), 1e-4);
  float line = lines * (1.0 - smoothstep(0.4, 1.3, away)) * step(-0.5, steps) * step(steps, intervals + 0.5);
  vec3 c = mix(color(t), lineColor, line);
  alpha = mix(alpha, max(alpha, 0.6 * opacity), line);
  result = vec4(c * alpha, alpha * cover);
}`,
}

/** Third pass: the cells themselves, exact. */
export const CELLS = {
  vertex: `${INSTANCE}
uniform float smallest;               // half of the least size in pixels
out vec2 at;
flat out vec2 size;
flat out float value;
flat out float fresh;
void main() {
  vec2 px = extent * scale;
  vec2 drawn = max(px, vec2(smallest));
  size = drawn - min(vec2(1.0), drawn * 0.14);
  at = corner * drawn;
  value = count();
  fresh = life.x == life.y ? 0.0 : exp(-2.5 * (now - life.z) / duration);
  gl_Position = matrix * vec4(center + corner * extent * drawn / px, 0.0, 1.0);
}`,
  fragment: `#version 300 es
precision highp float;
in vec2 at;
flat in vec2 size;
flat in float value;
flat in float fresh;
uniform float opacity;
uniform vec3 flash;
out vec4 result;
${RAMP}
void main() {
  float round = min(size.x, size.y) * 0.3;
  float outside = length(max(abs(at) - size + round, 0.0)) - round;
  float alpha = opacity * clamp(0.5 - outside, 0.0, 1.0) * clamp(value, 0.0, 1.0);
  vec3 c = mix(color(place(value)), flash, 0.5 * fresh);
  result = vec4(c * alpha, alpha);
}`,
}
