//! The one mixing step that all fingerprints are made of: a multiplication to 128 bits, folded. The idea is that of wyhash
//! (Wang Yi, <https://github.com/wangyi-fudan/wyhash>); constants and composition are our own.

/// Odd constants without structure: the binary digits of the square roots of 2, 3, 5 and 7 behind the point, the lowest bit set.
/// Their bytes are no UTF-8, so no eight letters equal one and make a factor zero.
pub(super) const ROOT_2: u64 = 0x6A09_E667_F3BC_C909;
pub(super) const ROOT_3: u64 = 0xBB67_AE85_84CA_A73B;
pub(super) const ROOT_5: u64 = 0x3C6E_F372_FE94_F82B;
pub(super) const ROOT_7: u64 = 0xA54F_F53A_5F1D_36F1;

/// Multiplies to 128 bits and folds the halves together. About four cycles.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the halves are wanted one by one")]
pub(super) const fn fold(one: u64, other: u64) -> u64 {
    let product = one as u128 * other as u128;
    product as u64 ^ (product >> 64) as u64
}

/// A 64-bit hash of a 64-bit number.
#[inline]
pub(super) const fn mix(number: u64) -> u64 {
    fold(number ^ ROOT_2, ROOT_3)
}
