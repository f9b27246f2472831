/* lanegammaseries.h: the polynomials of lanegammaone.h. They interpolate at Chebyshev's nodes; tests/ops/test_series_of_gammas.py
 * has what each is of. */
#ifndef PG_LANEGAMMASERIES_H
#define PG_LANEGAMMASERIES_H

#include "program/lanemath.h"

/* -- of t = x - 13/8 for x from 3/4 to 5/2 ------------------------------------------------------- */

/* lgamma(x) / ((x - 1) (x - 2)) = LANE_LGAMMA_AMID + t times this */
LANE_INLINE double lane_lgamma_amid(double t)
{
    double t2 = t * t, t4 = t2 * t2;
    double p = lane_cubic(t, t2, 0x1.d2e4f66aa1e5p-21, -0x1.17a5ebc949539p-21, -0x1.5420f2c58ffafp-22,
                          0x1.96b06033ff1b3p-23);
    p = fma(t4, p,
            lane_cubic(t, t2, 0x1.06cf9d322f17ap-20, -0x1.3e47e919b2392p-21, -0x1.051d41b182642p-19,
                       0x1.3817a9b732186p-20));
    p = fma(t4, p,
            lane_cubic(t, t2, -0x1.9809e2c3356d3p-18, 0x1.dc60151dd5a89p-19, -0x1.df76958135c68p-19,
                       0x1.1bb36d80167dep-19));
    p = fma(t4, p,
            lane_cubic(t, t2, -0x1.ee97dd9cf337ep-15, 0x1.1daa6c7cf13eep-15, -0x1.4f49b34fb32a6p-16,
                       0x1.864513791a424p-17));
    p = fma(t4, p,
            lane_cubic(t, t2, -0x1.250ccee2f7a84p-11, 0x1.4ad1b99076299p-12, -0x1.783ab41660b6ep-13,
                       0x1.ae77dc7ff4e85p-14));
    p = fma(
        t4, p,
        lane_cubic(t, t2, -0x1.9755f43e6213cp-8, 0x1.b2cd23b1a2943p-9, -0x1.d9b604cdb593dp-10, 0x1.05f40fe4aa44ap-10));
    return fma(
        t4, p,
        lane_cubic(t, t2, -0x1.0d7949435748ep-3, 0x1.aebb0c81e507cp-5, -0x1.8c66d24dc6758p-6, 0x1.88f37b6d0808p-7));
}

/* digamma(x) / (x - its root) = LANE_DIGAMMA_AMID + t times this */
LANE_INLINE double lane_digamma_amid(double t)
{
    double t2 = t * t, t4 = t2 * t2;
    double p = fma(t, 0x1.529fdbf68ba18p-19, -0x1.1321e32a93363p-18);
    p = fma(t4, p,
            lane_cubic(t, t2, -0x1.ef8f726e6f37ep-16, 0x1.30f5ceb87bcc1p-16, 0x1.c50049093dc74p-17,
                       -0x1.16c519626b19bp-17));
    p = fma(t4, p,
            lane_cubic(t, t2, -0x1.5c183b300e411p-15, 0x1.ac6c586758a25p-16, 0x1.b8d83eb5a5fd4p-16,
                       -0x1.0f4a081b35b21p-16));
    p = fma(t4, p,
            lane_cubic(t, t2, -0x1.e469dec647a5cp-14, 0x1.2a16d6551413ep-14, -0x1.c473c297fc373p-16,
                       0x1.166cec9c56ee1p-16));
    p = fma(t4, p,
            lane_cubic(t, t2, -0x1.9125485679d72p-11, 0x1.ed94abd122075p-12, -0x1.2dc07177d7e8fp-12,
                       0x1.7358e302b5b57p-13));
    p = fma(
        t4, p,
        lane_cubic(t, t2, -0x1.5efe563eb293dp-8, 0x1.af271235365ccp-9, -0x1.09007c49c2b75p-9, 0x1.45eaeda3f7b63p-10));
    p = fma(
        t4, p,
        lane_cubic(t, t2, -0x1.3bdd9fa4734fcp-5, 0x1.7f10ac3afe6bap-6, -0x1.d35ab2b356d0fp-7, 0x1.1e17d335ac283p-7));
    return fma(
        t4, p,
        lane_cubic(t, t2, -0x1.7aa649cce5867p-2, 0x1.8ab0d9438dfc1p-3, -0x1.bf4556b3384cep-4, 0x1.0738222bc447ap-4));
}

/* -- of z = 1 / x**2 ------------------------------------------------------------------------------- */

/* x (lgamma(x) - (x - 1/2) log(x) + x - log(2 pi) / 2) for x from 7/2 on */
LANE_INLINE double lane_lgamma_far(double z)
{
    double z2 = z * z, z4 = z2 * z2;
    double p = fma(z, -0x1.c6d92b7d4abfp-4, 0x1.11f2a0a1b6378p-4);
    p = fma(
        z4, p,
        lane_cubic(z, z2, 0x1.b931ee43f0566p-11, -0x1.f3985a7f89588p-10, 0x1.8c121edab628cp-8, -0x1.669679e08497p-6));
    return fma(
        z4, p,
        lane_cubic(z, z2, 0x1.5555555555554p-4, -0x1.6c16c16bfe8b3p-9, 0x1.a01a0104c95fap-11, -0x1.38131f3f85a44p-11));
}

/* The same for x from 15/2 on */
LANE_INLINE double lane_gamma_far(double z)
{
    double z2 = z * z, z4 = z2 * z2;
    double p = fma(z2, 0x1.42235f812cb88p-8, fma(z, -0x1.edbcfede193ap-10, 0x1.b91c48c13edb6p-11));
    return fma(
        z4, p,
        lane_cubic(z, z2, 0x1.5555555555555p-4, -0x1.6c16c16c124d9p-9, 0x1.a01a01612994bp-11, -0x1.38132d62092cap-11));
}

/* x**2 (log(x) - 1 / (2 x) - digamma(x)) for x from 7/2 on */
LANE_INLINE double lane_digamma_far(double z)
{
    double z2 = z * z, z4 = z2 * z2;
    double p = fma(z, -0x1.b566a5303bf2fp+0, 0x1.fe633ade95194p-1);
    p = fma(
        z4, p,
        lane_cubic(z, z2, 0x1.f0381f8383347p-8, -0x1.564ae19abdd37p-6, 0x1.3b4e596fe7cf8p-4, -0x1.3b59668f7e0b5p-2));
    return fma(
        z4, p,
        lane_cubic(z, z2, 0x1.555555555554p-4, -0x1.11111110aade2p-7, 0x1.04103fbbd22f3p-8, -0x1.11104179d9756p-8));
}

/* x**2 (x trigamma(x) - 1 - 1 / (2 x)) for x from 3 on */
LANE_INLINE double lane_polygamma_1_far(double z)
{
    double z2 = z * z, z4 = z2 * z2;
    double p = fma(z2, 0x1.74743bbf4acf4p+16, fma(z, -0x1.5ab9ed0c712adp+16, 0x1.2d786111bf166p+15));
    p = fma(
        z4, p,
        lane_cubic(z, z2, 0x1.77d18544f3a51p+5, -0x1.4a1957a5e3031p+8, 0x1.0454891efd2e2p+11, -0x1.499d2c781317cp+13));
    p = fma(
        z4, p,
        lane_cubic(z, z2, 0x1.364c6a8ffbc8cp-4, -0x1.0316516f28436p-2, 0x1.292799879211dp+0, -0x1.b5ce813491485p+2));
    return fma(
        z4, p,
        lane_cubic(z, z2, 0x1.5555555555555p-3, -0x1.111111110fa1fp-5, 0x1.8618617e718c2p-6, -0x1.11110cfba3136p-5));
}

/* x**2 (x**2 |polygamma(2, x)| - 1 - 1 / x) for x from 3 on */
LANE_INLINE double lane_polygamma_2_far(double z)
{
    double z2 = z * z, z4 = z2 * z2;
    double p = lane_cubic(z, z2, 0x1.c969c30b67dbfp+20, -0x1.94aab4bb02fb1p+22, 0x1.be80548f45032p+23,
                          -0x1.cacb31e170cf2p+23);
    p = fma(
        z4, p,
        lane_cubic(z, z2, 0x1.cdec277ef4dc3p+9, -0x1.db8b9558832bep+12, 0x1.c730b202fc2fcp+15, -0x1.6ebaf015518f6p+18));
    p = fma(z4, p,
            lane_cubic(z, z2, 0x1.aaa97027798dp-1, -0x1.a50ede46259dbp+1, 0x1.16f10235a429fp+4, -0x1.d5391d7c5f58p+6));
    return fma(
        z4, p,
        lane_cubic(z, z2, 0x1.fffffffffffffp-2, -0x1.555555555348fp-3, 0x1.5555554f1cba4p-3, -0x1.33332f6a1db87p-2));
}

/* x**2 (x**3 polygamma(3, x) - 2 - 3 / x) for x from 3 on */
LANE_INLINE double lane_polygamma_3_far(double z)
{
    double z2 = z * z, z4 = z2 * z2;
    double p = fma(
        z4, 0x1.49f36d800b2adp+31,
        lane_cubic(z, z2, 0x1.3631a48da55cbp+26, -0x1.76ed3dff3eae7p+28, 0x1.3e660cd5119edp+30, -0x1.4ffc9f55f112p+31));
    p = fma(z4, p,
            lane_cubic(z, z2, 0x1.28004cd3ddda1p+14, -0x1.5e659332926b1p+17, 0x1.8bd2090300f42p+20,
                       -0x1.85616a2671b98p+23));
    p = fma(z4, p,
            lane_cubic(z, z2, 0x1.3fff45f817f7bp+3, -0x1.7073647ad13d3p+5, 0x1.1730549da2ap+8, -0x1.098dd1b7ea3edp+11));
    return fma(
        z4, p,
        lane_cubic(z, z2, 0x1.fffffffffffffp+0, -0x1.fffffffffca68p-1, 0x1.5555554f96d2dp+0, -0x1.7ffffc0c3935bp+1));
}

/* -- of w = p**2 for p from -1/2 to 1/2 ------------------------------------------------------------ */

/* (sin(pi p) / (pi p) - 1) / w */
LANE_INLINE double lane_sine_of_pi(double w)
{
    double w2 = w * w, w4 = w2 * w2;
    double p = lane_cubic(w, w2, -0x1.33816a0620ac5p-9, 0x1.3746c57917ca7p-13, -0x1.d3f28cd7ed53p-18,
                          0x1.080d6f89e0a7bp-22);
    return fma(
        w4, p,
        lane_cubic(w, w2, -0x1.a51a6625307d3p+0, 0x1.9f9cb402bc45dp-1, -0x1.86a8e4720c749p-3, 0x1.ac6805cdf308ap-6));
}

/* (pi p cot(pi p) - 1) / w */
LANE_INLINE double lane_cotangent_of_pi(double w)
{
    double w2 = w * w, w4 = w2 * w2;
    double p = fma(w2, -0x1.002ac4c3abf81p+4, fma(w, 0x1.c04ad851939eep+3, -0x1.6a3c7a4bd8618p+3));
    p = fma(
        w4, p,
        lane_cubic(w, w2, -0x1.023f05a035361p+1, -0x1.db637e6f60137p+0, -0x1.6a4c80e8140e3p+1, 0x1.623b22163baaep+0));
    p = fma(
        w4, p,
        lane_cubic(w, w2, -0x1.00412f1923593p+1, -0x1.000fffb1198ffp+1, -0x1.0007174526b3ep+1, -0x1.ff9da14565d7fp+0));
    return fma(
        w4, p,
        lane_cubic(w, w2, -0x1.a51a6625307d3p+1, -0x1.151322ac7d7d8p+1, -0x1.0470984c1152ap+1, -0x1.010b36abc6e64p+1));
}

/* The sum of (p + k)**-2 over all whole k but 0 */
LANE_INLINE double lane_polygamma_1_beside(double w)
{
    double w2 = w * w, w4 = w2 * w2;
    double p = lane_cubic(w, w2, -0x1.1f0f9f0db4ec2p+7, 0x1.0c9cafea1c9aep+9, -0x1.5cfdce09cd514p+9,
                          0x1.4a99760a84192p+9);
    p = fma(w4, p,
            lane_cubic(w, w2, 0x1.0ed17bce91cccp+5, 0x1.3b8dd7917fcfcp+5, 0x1.fbb6a95bfeb3ap+4, 0x1.8b8195d788764p+6));
    p = fma(w4, p,
            lane_cubic(w, w2, 0x1.20495375ed1f6p+4, 0x1.601642b4f6f3p+4, 0x1.a0042aae8328bp+4, 0x1.e02eb2d14f0c2p+4));
    return fma(
        w4, p,
        lane_cubic(w, w2, 0x1.a51a6625307d3p+1, 0x1.9f9cb402bc51bp+2, 0x1.458cbe5f04351p+3, 0x1.c1d39fb6f0a6bp+3));
}

/* 2 times the sum of (k + q)**-3 - (k + 1 - q)**-3 over k from 1 on, over d = 1 - 2 q, of w = d**2 from 0 to 1 */
LANE_INLINE double lane_polygamma_2_apart(double w)
{
    double w2 = w * w, w4 = w2 * w2;
    double p = lane_cubic(w, w2, 0x1.9f16736569bc6p-20, 0x1.fdafde03a05b6p-23, 0x1.eafdd5f7a739fp-27,
                          0x1.259c312b938b8p-27);
    p = fma(
        w4, p,
        lane_cubic(w, w2, 0x1.b30a496002c51p-9, 0x1.11d15febda235p-11, 0x1.47737b9045953p-14, 0x1.79777dcb8d10bp-17));
    return fma(
        w4, p,
        lane_cubic(w, w2, 0x1.68ba30a420963p+0, 0x1.da2d963cfec1bp-2, 0x1.ab21d339471bbp-4, 0x1.41a51bf59c379p-6));
}

/* 6 times the sum of (p + k)**-4 over all whole k but 0 */
LANE_INLINE double lane_polygamma_3_beside(double w)
{
    double w2 = w * w, w4 = w2 * w2;
    double p = fma(w2, 0x1.26133dccfd2dfp+21, fma(w, -0x1.ba324c0af5d5fp+21, 0x1.792a2afff558ep+21));
    p = fma(w4, p,
            lane_cubic(w, w2, 0x1.eec93edd21d24p+15, -0x1.881c50bf2e7f1p+16, 0x1.28212ee9a39e7p+19,
                       -0x1.697624443a297p+20));
    p = fma(
        w4, p,
        lane_cubic(w, w2, 0x1.6b75d1e76a5e7p+13, 0x1.f1748a47a376bp+13, 0x1.53874f9307113p+14, 0x1.6d98f3e227ec8p+14));
    p = fma(
        w4, p,
        lane_cubic(w, w2, 0x1.ef1f2f286707ap+10, 0x1.ad06b9090c639p+11, 0x1.554168fe3cb24p+12, 0x1.fdfe60dcc02dbp+12));
    return fma(
        w4, p,
        lane_cubic(w, w2, 0x1.9f9cb402bc46cp+3, 0x1.e8531d8e91232p+6, 0x1.a5b665b7f8a4ep+8, 0x1.f88052f5854bdp+9));
}

#endif
