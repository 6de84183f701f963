//! Turning a block of similarities over.

/// Side of the squares that are turned in registers: one cache line.
const SIDE: usize = 16;

/// `to[c * to_stride + r] = from[r * from_stride + c]` for `rows` x `cols` numbers. Square by square, so that each
/// cache line is read and written whole.
pub(crate) fn transpose(
    (from, from_stride): (&[f32], usize),
    (to, to_stride): (&mut [f32], usize),
    rows: usize,
    cols: usize,
) {
    for c in (0..cols).step_by(SIDE) {
        for r in (0..rows).step_by(SIDE) {
            let (height, width) = (SIDE.min(rows - r), SIDE.min(cols - c));
            let from = &from[r * from_stride + c..];
            let to = &mut to[c * to_stride + r..];
            if (height, width) == (SIDE, SIDE) {
                let mut square = [[0.0; SIDE]; SIDE];
                for (t, row) in square.iter_mut().enumerate() {
                    row.copy_from_slice(&from[t * from_stride..][..SIDE]);
                }
                for t in 0..SIDE {
                    let column: [f32; SIDE] = std::array::from_fn(|r| square[r][t]);
                    to[t * to_stride..][..SIDE].copy_from_slice(&column);
                }
            } else {
                for t in 0..width {
                    for r in 0..height {
                        to[t * to_stride + r] = from[r * from_stride + t];
                    }
                }
            }
        }
    }
}
