/* What one would write by hand, with its derivatives, for the models of compiled_models.py. */
#include <math.h>
#include <stddef.h>

enum { INPUTS = 2, HIDDEN = 16 };

/* Parameters of the network 2-16-16-1, or derivatives by them, as compiled_models.mlp_loss has them. */
typedef struct {
    double w1[INPUTS][HIDDEN], b1[HIDDEN];
    double w2[HIDDEN][HIDDEN], b2[HIDDEN];
    double w3[HIDDEN], b3;
} network;

/* Adds the derivatives of one row's squared error, which is returned. */
static double add_row(const network *restrict p, const double *restrict x, double y, network *restrict g)
{
    double h1[HIDDEN], h2[HIDDEN], d1[HIDDEN], d2[HIDDEN], act = p->b3;

    for (int j = 0; j < HIDDEN; j++)
        h1[j] = p->b1[j];
    for (int i = 0; i < INPUTS; i++)
        for (int j = 0; j < HIDDEN; j++)
            h1[j] += p->w1[i][j] * x[i];
    for (int j = 0; j < HIDDEN; j++) {
        h1[j] = tanh(h1[j]);
        h2[j] = p->b2[j];
    }
    for (int i = 0; i < HIDDEN; i++)
        for (int j = 0; j < HIDDEN; j++)
            h2[j] += p->w2[i][j] * h1[i];
    for (int j = 0; j < HIDDEN; j++) {
        h2[j] = tanh(h2[j]);
        act += p->w3[j] * h2[j];
    }
    const double score = tanh(act), error = score - y, d3 = 2.0 * error * (1.0 - score * score);

    g->b3 += d3;
    for (int j = 0; j < HIDDEN; j++) {
        g->w3[j] += d3 * h2[j];
        d2[j] = d3 * p->w3[j] * (1.0 - h2[j] * h2[j]);
        g->b2[j] += d2[j];
    }
    for (int i = 0; i < HIDDEN; i++) {
        double sum = 0.0;
        for (int j = 0; j < HIDDEN; j++) {
            g->w2[i][j] += d2[j] * h1[i];
            sum += d2[j] * p->w2[i][j];
        }
        d1[i] = sum * (1.0 - h1[i] * h1[i]);
        g->b1[i] += d1[i];
    }
    for (int i = 0; i < INPUTS; i++)
        for (int j = 0; j < HIDDEN; j++)
            g->w1[i][j] += d1[j] * x[i];
    return error * error;
}

/* out: the mean of the squared errors, then its 337 derivatives. */
void mlp(const double *p, const double *points, const double *targets, size_t rows, double *out)
{
    const size_t count = 1 + sizeof(network) / sizeof(double);
    for (size_t i = 0; i < count; i++)
        out[i] = 0.0;
    for (size_t r = 0; r < rows; r++)
        out[0] += add_row((const network *)p, points + INPUTS * r, targets[r], (network *)(out + 1));
    for (size_t i = 0; i < count; i++)
        out[i] /= (double)rows;
}

void rosenbrock_gradient(const double *x, size_t n, double *gradient)
{
    for (size_t i = 0; i < n; i++)
        gradient[i] = 0.0;
    for (size_t i = 0; i + 1 < n; i++) {
        const double rise = x[i + 1] - x[i] * x[i];
        gradient[i] -= 400.0 * x[i] * rise + 2.0 * (1.0 - x[i]);
        gradient[i + 1] += 200.0 * rise;
    }
}

/* For each row the anomaly and its derivatives by m and e, all three carried through Newton's method. */
void kepler(const double *m, const double *e, size_t rows, double *out)
{
    for (size_t r = 0; r < rows; r++) {
        double v = m[r] + 0.85 * e[r], vm = 1.0, ve = 0.85, step = 1.0;
        while (fabs(step) > 1e-12) {
            const double s = sin(v), c = cos(v);
            const double f = v - e[r] * s - m[r], slope = 1.0 - e[r] * c;
            const double fm = vm - e[r] * c * vm - 1.0, fe = ve - e[r] * c * ve - s;
            const double slope_m = e[r] * s * vm, slope_e = e[r] * s * ve - c;
            step = f / slope;
            v -= step;
            vm -= (fm - step * slope_m) / slope;
            ve -= (fe - step * slope_e) / slope;
        }
        out[3 * r] = v, out[3 * r + 1] = vm, out[3 * r + 2] = ve;
    }
}

/* Memory as large as that of so many nodes, six words each: a number read from each and another written, in its order. */
double stream_nodes(double *nodes, size_t count)
{
    double total = 0.0;
    for (size_t i = 0; i < count; i++) {
        total += nodes[6 * i];
        nodes[6 * i + 1] = 0.0;
    }
    return total;
}

/* The same memory, where each node's first word is the number of the next one: where count steps lead. */
size_t follow_nodes(const size_t *nodes, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        at = nodes[6 * at];
    return at;
}
