// Colours: the magma colour map for values, another for signed values, a palette for classes.
// Nothing is drawn here.
//
// An ES module without imports. A page may also contain it inline, without each `export`.

// Matplotlib's 256 colours, as rrggbb; the map is by Stéfan van der Walt and Nathaniel Smith (CC0).
const MAGMA =
  "00000300000400000601000701010901010b02020d02020f03031104031304041505041706051907051b08061d09071f" +
  "0a07220b08240c09260d0a280e0a2a0f0b2c100c2f110c31120d33140d35150e38160e3a170f3c180f3f1a10411b1044" +
  "1c10461e10491f114b20114d2211502311522511552611572811592a115c2b115e2d10602f1062301065321067341068" +
  "350f6a370f6c390f6e3b0f6f3c0f713e0f72400f73420f74430f75450f76470f774810784a10794b10794d117a4f117b" +
  "50127b52127c53137c55137d57147d58157e5a157e5b167e5d177e5e177f60187f61187f63197f651a80661a80681b80" +
  "691c806b1c806c1d806e1e816f1e81711f81731f817420817621817721817922817a22817c23817e24817f2481812581" +
  "8225818426818526818727818928818a28818c29808d29808f2a80912a80922b80942b80952c80972c7f992d7f9a2d7f" +
  "9c2e7f9e2e7e9f2f7ea12f7ea3307ea4307da6317da7317da9327cab337cac337bae347bb0347bb1357ab3357ab53679" +
  "b63679b83778b93778bb3877bd3977be3976c03a75c23a75c33b74c53c74c63c73c83d72ca3e72cb3e71cd3f70ce4070" +
  "d0416fd1426ed3426dd4436dd6446cd7456bd9466ada4769dc4869dd4968de4a67e04b66e14c66e24d65e44e64e55063" +
  "e65162e75262e85461ea5560eb5660ec585fed595fee5b5eee5d5def5e5df0605df1615cf2635cf3655cf3675bf4685b" +
  "f56a5bf56c5bf66e5bf6705bf7715bf7735cf8755cf8775cf9795cf97b5df97d5dfa7f5efa805efa825ffb8460fb8660" +
  "fb8861fb8a62fc8c63fc8e63fc9064fc9265fc9366fd9567fd9768fd9969fd9b6afd9d6bfd9f6cfda16efda26ffda470" +
  "fea671fea873feaa74feac75feae76feaf78feb179feb37bfeb57cfeb77dfeb97ffebb80febc82febe83fec085fec286" +
  "fec488fec689fec78bfec98dfecb8efdcd90fdcf92fdd193fdd295fdd497fdd698fdd89afdda9cfddc9dfddd9ffddfa1" +
  "fde1a3fce3a5fce5a6fce6a8fce8aafceaacfcecaefceeb0fcf0b1fcf1b3fcf3b5fcf5b7fbf7b9fbf9bbfbfabdfbfcbf";

// The entry of a value from 0 to 1 in a table of 256 colours: the nearest below.
const entryOf = (t, otherwise) => Math.max(0, Math.min(255, Math.floor((Number.isNaN(t) ? otherwise : t) * 256)));
const bytesOfHex = (hex) => [0, 2, 4].map((at) => parseInt(hex.substr(at, 2), 16));

const MAGMA_COLOURS = Array.from({ length: 256 }, (_, at) => bytesOfHex(MAGMA.substr(6 * at, 6)));

/** The colour [r, g, b], each 0 to 255, of a value from 0 to 1; values outside have an end's. */
export function magma(t) {
  return MAGMA_COLOURS[entryOf(t, 0)];
}

// Matplotlib's RdBu_r, from ColorBrewer; on a dark page, zero has the colour of the background
const LIGHT = between("053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f");
const DARK = between("7cc0ff 1d2127 ff8a7a");

/** 256 colours, interpolated linearly between the given ones. */
function between(colours) {
  const stops = colours.split(" ").map(bytesOfHex), last = stops.length - 1;
  return Array.from({ length: 256 }, (_, at) => {
    const share = (at / 255) * last, i = Math.min(Math.floor(share), last - 1);
    return stops[i].map((value, c) => Math.round(value + (share - i) * (stops[i + 1][c] - value)));
  });
}

/** A function from t, 0 to 1, to a colour [r, g, b]: blue is negative, red positive. */
export function signed(dark) {
  return (t) => (dark ? DARK : LIGHT)[entryOf(t, 0.5)];
}

/**
 * Colours of classes: each has a contrast of 3 or more with white and with #15181d. They differ as
 * much as possible, also for people who cannot distinguish red from green.
 */
export const PALETTE = [
  "#3878d0", "#f86810", "#28a840", "#a84070", "#b078f8", "#886000",
  "#68a088", "#f06878", "#5888a0", "#8060a0", "#8890c8", "#a86860",
];

/** The colour of class 0, 1, 2 …; the colours repeat after the last one of PALETTE. */
export function category(number) {
  return PALETTE[number % PALETTE.length];
}
