/* algebra.h: the words that rules in ops.def are written in. Each word names one op of the table; what
 * a word does is said by whoever includes this file, through four macros:
 *
 *   CALL1(op, a)  CALL2(op, a, b)  CALL3(op, a, b, c)  NUMBER(c)
 *
 * sweep.c makes them arithmetic on doubles. */
#define ONE NUMBER(1.0)
#define ZERO NUMBER(0.0)

#define ADD(a, b) CALL2(add, a, b)
#define SUB(a, b) CALL2(sub, a, b)
#define MUL(a, b) CALL2(mul, a, b)
#define DIV(a, b) CALL2(div, a, b)
#define NEG(a) CALL1(neg, a)
#define MUL0(a, b) CALL2(mul0, a, b)
#define DIV0(a, b) CALL2(div0, a, b)
#define FLOORDIV(a, b) CALL2(floordiv, a, b)

#define EXP(a) CALL1(exp, a)
#define LOG(a) CALL1(log, a)
#define SQRT(a) CALL1(sqrt, a)
#define POWER(a, b) CALL2(power, a, b)
#define POW_DX(a, b) CALL2(pow_dx, a, b)
#define POW_DY(a, b) CALL2(pow_dy, a, b)
#define SIGMOID(a) CALL1(sigmoid, a)
#define SIGMOID_DX(a) CALL1(sigmoid_dx, a)
#define LOGADDEXP_DX(a, b) CALL2(logaddexp_dx, a, b)
#define TANH(a) CALL1(tanh, a)
#define SECH2(a) CALL1(sech2, a)
#define ERF_DX(a) CALL1(erf_dx, a)

#define SIN(a) CALL1(sin, a)
#define COS(a) CALL1(cos, a)
#define SINH(a) CALL1(sinh, a)
#define COSH(a) CALL1(cosh, a)
#define HYPOT(a, b) CALL2(hypot, a, b)
#define ATAN2_DX(a, b) CALL2(atan2_dx, a, b)
#define HYPOT_DX(a, b) CALL2(hypot_dx, a, b)

#define SIGN(a) CALL1(sign, a)
#define STEP(a) CALL1(step, a)
#define GREATER(a, b) CALL2(greater, a, b)
#define LESS(a, b) CALL2(less, a, b)
#define SELECT(c, a, b) CALL3(where, c, a, b)
#define VALID(a, b) CALL2(valid, a, b)
