/** The shaders of the glow layer. A cell is one instance of a square whose count moves from an old to a new value. */

const INSTANCE = `#version 300 es
precision highp float;
layout(location = 0) in vec2 corner;  // -1 or 1
layout(location = 1) in vec2 center;  // Mercator, relative to the layer's anchor
layout(location = 2) in vec2 extent;  // half of the cell's size, Mercator
layout(location = 3) in vec3 life;    // count before, count now, second of the change
uniform mat4 matrix;
uniform vec2 viewport;                // pixels
uniform float now;
uniform float duration;
float count() {
  return mix(life.x, life.y, smoothstep(0.0, 1.0, (now - life.z) / duration));
}`

const RAMP = `
uniform vec3 ramp[5];
uniform float levels;
float place(float count) { return clamp(log2(1.0 + count) / levels, 0.0, 1.0); }
vec3 color(float t) {
  float x = t * 4.0;
  vec3 c = mix(ramp[0], ramp[1], clamp(x, 0.0, 1.0));
  c = mix(c, ramp[2], clamp(x - 1.0, 0.0, 1.0));
  c = mix(c, ramp[3], clamp(x - 2.0, 0.0, 1.0));
  return mix(c, ramp[4], clamp(x - 3.0, 0.0, 1.0));
}`

/** First pass: how many drivers there are around each pixel, in drivers per area of one cell. */
export const DENSITY = {
  vertex: `${INSTANCE}
uniform float radius;                 // pixels
uniform float gain;
out vec2 at;
out float strength;
void main() {
  at = corner;
  strength = count() * gain;
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
out vec4 result;
${RAMP}
void main() {
  float t = place(texture(density, uv).r * 2.5);
  float alpha = opacity * smoothstep(0.0, 0.55, t);
  result = vec4(color(t) * alpha, alpha * cover);
}`,
}

/** Third pass: the cells themselves, exact. */
export const CELLS = {
  vertex: `${INSTANCE}
uniform float scale;                  // pixels per unit of Mercator
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
  float round = min(size.x, size.y) * 0.35;
  float outside = length(max(abs(at) - size + round, 0.0)) - round;
  float alpha = opacity * clamp(0.5 - outside, 0.0, 1.0) * clamp(value, 0.0, 1.0);
  vec3 c = mix(color(place(value)), flash, 0.55 * fresh);
  result = vec4(c * alpha, alpha);
}`,
}
