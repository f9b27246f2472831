/* parameters.c: a list of Values that an optimiser updates, with the optimiser's state beside it. The
 * sequences of operations are stated in pygrad/reference too, and give the same bits. */
#include "python/parameters.h"

#include "python/constants.h"
#include "python/convert.h"
#include "python/trace.h"
#include "python/value.h"

#include <math.h>

typedef struct {
    PyObject_HEAD
    PyObject *values;      /* tuple of Values */
    double *first;         /* velocity, or Adam's first moments; NULL until the first step */
    double *second;        /* averages of squares: Adam's second moments */
    double *largest;       /* what those have been at most: AMSGrad's */
    double steps;
} parameters;

static PyTypeObject *parameters_type;

static PyObject *parameters_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *iterable;
    static char *names[] = {"values", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:Parameters", names, &iterable))
        return NULL;
    PyObject *values = pg_tuple(iterable, "parameters");
    if (values == NULL)
        return NULL;
    if (!pg_require_values(values, "parameters must be")) {
        Py_DECREF(values);
        return NULL;
    }
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    parameters *p = (parameters *)alloc(type, 0); /* zeroed */
    if (p == NULL)
        Py_DECREF(values);
    else
        p->values = values;
    return (PyObject *)p;
}

static int parameters_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((parameters *)self)->values);
    return 0;
}

static int release(PyObject *self)
{
    parameters *p = (parameters *)self;
    Py_CLEAR(p->values);
    pg_free(p->first);
    pg_free(p->second);
    pg_free(p->largest);
    return 0;
}

static void parameters_dealloc(PyObject *self)
{
    pg_end(self, release);
}

/* *state as an array of a number per parameter, zeros at first; 0 with an exception set. */
static int require_state(double **state, size_t count)
{
    if (*state != NULL)
        return 1;
    *state = pg_alloc(count, sizeof **state);
    if (*state == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        (*state)[i] = 0.0;
    return 1;
}

static double decayed_grad(const pg_node *n, double weight_decay)
{
    return weight_decay != 0.0 ? n->grad + weight_decay * n->value : n->grad;
}

/* -- rules ------------------------------------------------------------------------------------------- */

enum { ALWAYS = -1, NEVER = -2 };

/* How a step moves parameters by numbers that were given for it. */
struct pg_rule {
    const char *name;
    const char *const settings[PG_MOST_SETTINGS + 1]; /* NULL after the last one */
    int first, second, largest; /* which states there are: ALWAYS, NEVER, or where the setting of this place is not 0 */
    void (*take)(parameters *p, const double *given);
};

/* Gradient descent; where has_velocity is true by a velocity, of which each gradient is so large a share, and where looks_ahead
 * is, by the one that the next step will have (Nesterov). */
static void descend(parameters *p, const double *given, int has_velocity, double share, int looks_ahead)
{
    const double lr = given[0], momentum = given[1], weight_decay = given[2];
    const Py_ssize_t count = PyTuple_Size(p->values);
    for (Py_ssize_t i = 0; i < count; i++) {
        pg_node *n = PG_NODE(PyTuple_GetItem(p->values, i));
        if (PG_IS_CONSTANT(n))
            continue;
        double g = decayed_grad(n, weight_decay);
        if (has_velocity) {
            const double velocity = p->first[i] = momentum * p->first[i] + share * g;
            g = looks_ahead ? g + momentum * velocity : velocity;
        }
        n->value -= lr * g;
    }
}

static void take_sgd(parameters *p, const double *given)
{
    descend(p, given, given[1] != 0.0, 1.0, 0);
}

static void take_nesterov(parameters *p, const double *given)
{
    descend(p, given, given[1] != 0.0, 1.0, 1);
}

/* With momentum that takes less of each gradient but the first. */
static void take_dampened(parameters *p, const double *given)
{
    descend(p, given, 1, p->steps == 0.0 ? 1.0 : 1.0 - given[3], 0);
    p->steps += 1.0;
}

/* Adam; where decoupled is true weights decay by themselves, beside the gradient; where keeps_largest is, no average of
 * squares gets smaller (AMSGrad). */
static void adapt(parameters *p, const double *given, int decoupled, int keeps_largest)
{
    const double lr = given[0], beta1 = given[1], beta2 = given[2], eps = given[3], weight_decay = given[4];
    const Py_ssize_t count = PyTuple_Size(p->values);
    p->steps += 1.0;
    const double correction1 = 1.0 - pow(beta1, p->steps), correction2 = 1.0 - pow(beta2, p->steps);
    for (Py_ssize_t i = 0; i < count; i++) {
        pg_node *n = PG_NODE(PyTuple_GetItem(p->values, i));
        if (PG_IS_CONSTANT(n))
            continue;
        double g = decayed_grad(n, decoupled ? 0.0 : weight_decay);
        double m = p->first[i] = beta1 * p->first[i] + (1.0 - beta1) * g;
        double v = p->second[i] = beta2 * p->second[i] + (1.0 - beta2) * (g * g);
        if (keeps_largest)
            v = p->largest[i] = v <= p->largest[i] ? p->largest[i] : v;
        if (decoupled)
            n->value *= 1.0 - lr * weight_decay;
        n->value -= lr * (m / correction1) / (sqrt(v / correction2) + eps);
    }
}

static void take_adam(parameters *p, const double *given)
{
    adapt(p, given, 0, 0);
}

static void take_adamw(parameters *p, const double *given)
{
    adapt(p, given, 1, 0);
}

static void take_amsgrad(parameters *p, const double *given)
{
    adapt(p, given, 0, 1);
}

static void take_amsgradw(parameters *p, const double *given)
{
    adapt(p, given, 1, 1);
}

static void take_rmsprop(parameters *p, const double *given)
{
    const double lr = given[0], alpha = given[1], eps = given[2], weight_decay = given[3], momentum = given[4];
    const Py_ssize_t count = PyTuple_Size(p->values);
    for (Py_ssize_t i = 0; i < count; i++) {
        pg_node *n = PG_NODE(PyTuple_GetItem(p->values, i));
        if (PG_IS_CONSTANT(n))
            continue;
        double g = decayed_grad(n, weight_decay);
        double v = p->second[i] = alpha * p->second[i] + (1.0 - alpha) * (g * g);
        g = g / (sqrt(v) + eps);
        if (momentum != 0.0)
            g = p->first[i] = momentum * p->first[i] + g;
        n->value -= lr * g;
    }
}

enum { SGD, NESTEROV, DAMPENED, ADAM, ADAMW, AMSGRAD, AMSGRADW, RMSPROP };

static const pg_rule rules[] = {
    [SGD] = {"sgd", {"lr", "momentum", "weight_decay"}, 1, NEVER, NEVER, take_sgd},
    [NESTEROV] = {"nesterov", {"lr", "momentum", "weight_decay"}, 1, NEVER, NEVER, take_nesterov},
    [DAMPENED] = {"dampened", {"lr", "momentum", "weight_decay", "dampening"}, ALWAYS, NEVER, NEVER, take_dampened},
    [ADAM] = {"adam", {"lr", "beta1", "beta2", "eps", "weight_decay"}, ALWAYS, ALWAYS, NEVER, take_adam},
    [ADAMW] = {"adamw", {"lr", "beta1", "beta2", "eps", "weight_decay"}, ALWAYS, ALWAYS, NEVER, take_adamw},
    [AMSGRAD] = {"amsgrad", {"lr", "beta1", "beta2", "eps", "weight_decay"}, ALWAYS, ALWAYS, ALWAYS, take_amsgrad},
    [AMSGRADW] = {"amsgradw", {"lr", "beta1", "beta2", "eps", "weight_decay"}, ALWAYS, ALWAYS, ALWAYS, take_amsgradw},
    [RMSPROP] = {"rmsprop", {"lr", "alpha", "eps", "weight_decay", "momentum"}, 4, ALWAYS, NEVER, take_rmsprop},
};

static int is_needed(int state, const double *settings)
{
    return state == ALWAYS || (state != NEVER && settings[state] != 0.0);
}

/* The arguments as numbers; false with an exception set. */
static int read_settings(const pg_rule *rule, PyObject *args, double *out)
{
    Py_ssize_t count = 0;
    while (rule->settings[count] != NULL)
        count++;
    if (PyTuple_Size(args) != count) {
        PyErr_Format(PyExc_TypeError, "a step takes %zd settings (%zd given)", count, PyTuple_Size(args));
        return 0;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if (!pg_require_number(PyTuple_GetItem(args, i), rule->settings[i], &out[i]))
            return 0;
    return 1;
}

static int get_ready(PyObject *self, const pg_rule *rule, PyObject *args, pg_step *step)
{
    parameters *p = (parameters *)self;
    if (PG_TRACING && !pg_trace_refuse("step", self, Py_None))
        return 0;
    *step = (pg_step){.parameters = self, .rule = rule};
    if (!read_settings(rule, args, step->settings))
        return 0;
    const size_t count = (size_t)PyTuple_Size(p->values);
    return (!is_needed(rule->first, step->settings) || require_state(&p->first, count)) &&
           (!is_needed(rule->second, step->settings) || require_state(&p->second, count)) &&
           (!is_needed(rule->largest, step->settings) || require_state(&p->largest, count));
}

int pg_step_ready(PyObject *self, const char *rule, PyObject *settings, pg_step *step)
{
    if (Py_TYPE(self) != parameters_type) {
        PyErr_SetString(PyExc_TypeError, "a step is one of Parameters");
        return 0;
    }
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].name, rule) == 0)
            return get_ready(self, &rules[i], settings, step);
    PyErr_Format(PyExc_ValueError, "there is no rule %s", rule);
    return 0;
}

void pg_step_take(const pg_step *step)
{
    step->rule->take((parameters *)step->parameters, step->settings);
}

PyObject *pg_step_values(const pg_step *step)
{
    return ((parameters *)step->parameters)->values;
}

static PyObject *move(PyObject *self, PyObject *args, const pg_rule *rule)
{
    pg_step step;
    if (!get_ready(self, rule, args, &step))
        return NULL;
    pg_step_take(&step);
    Py_RETURN_NONE;
}

#define STEP(NAME, RULE) \
    static PyObject *NAME(PyObject *self, PyObject *args) \
    { \
        return move(self, args, &rules[RULE]); \
    }

STEP(sgd, SGD)
STEP(nesterov, NESTEROV)
STEP(dampened, DAMPENED)
STEP(adam, ADAM)
STEP(adamw, ADAMW)
STEP(amsgrad, AMSGRAD)
STEP(amsgradw, AMSGRADW)
STEP(rmsprop, RMSPROP)

static PyObject *zero_grad(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    if (PG_TRACING && !pg_trace_refuse("step", self, Py_None))
        return NULL;
    PyObject *values = ((parameters *)self)->values;
    for (Py_ssize_t i = 0; i < PyTuple_Size(values); i++) {
        pg_status status = pg_clear_grad(PG_NODE(PyTuple_GetItem(values, i)));
        if (status != PG_OK)
            return pg_raise(status);
    }
    Py_RETURN_NONE;
}

/* -- pickles and copies ------------------------------------------------------------------------------ */

/* A list of the numbers, or None if there are none yet. */
static PyObject *as_list(const double *numbers, Py_ssize_t count)
{
    if (numbers == NULL)
        return Py_NewRef(Py_None);
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
        PyObject *number = PyFloat_FromDouble(numbers[i]);
        if (number == NULL)
            Py_CLEAR(list);
        else
            PyList_SetItem(list, i, number);
    }
    return list;
}

static PyObject *reduce(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    const parameters *p = (parameters *)self;
    const Py_ssize_t count = PyTuple_Size(p->values);
    PyObject *first = as_list(p->first, count), *second = as_list(p->second, count);
    PyObject *largest = p->largest == NULL ? NULL : as_list(p->largest, count);
    if (first == NULL || second == NULL || (p->largest != NULL && largest == NULL)) {
        Py_XDECREF(first);
        Py_XDECREF(second);
        Py_XDECREF(largest);
        return NULL;
    }
    if (largest == NULL) /* as 0.1.0 reads it, too */
        return Py_BuildValue("O(O)(NNd)", Py_TYPE(self), p->values, first, second, p->steps);
    return Py_BuildValue("O(O)(NNdN)", Py_TYPE(self), p->values, first, second, p->steps, largest);
}

/* The numbers of a list that as_list() has made, or NULL for None; 0 with an exception set. Caller frees, either way. What
 * reads a number may run Python, which may change the list. */
static int read_list(PyObject *list, size_t count, double **out)
{
    if (list == Py_None)
        return 1;
    PyObject *items = PyList_Check(list) ? PyList_AsTuple(list) : PyTuple_New(0);
    if (items == NULL)
        return 0;
    int read = PyList_Check(list) && (size_t)PyTuple_Size(items) == count;
    if (!read)
        PyErr_SetString(PyExc_ValueError, "the state of an optimiser has a number for each parameter");
    read = read && require_state(out, count);
    for (size_t i = 0; read && i < count; i++)
        read = pg_require_number(PyTuple_GetItem(items, (Py_ssize_t)i), "a state", &(*out)[i]);
    Py_DECREF(items);
    return read;
}

/* Room for numbers that there are; 0 with an exception set. */
static int room_for(const double *numbers, double **state, size_t count)
{
    return numbers == NULL || require_state(state, count);
}

static void take_over(const double *numbers, double *state, size_t count)
{
    for (size_t i = 0; numbers != NULL && i < count; i++)
        state[i] = numbers[i];
}

static PyObject *restore(PyObject *self, PyObject *state)
{
    parameters *p = (parameters *)self;
    PyObject *first, *second, *largest = Py_None; /* there is no last one but of AMSGrad */
    double steps, *firsts = NULL, *seconds = NULL, *largests = NULL;
    if (!PyTuple_Check(state) || !PyArg_ParseTuple(state, "OOd|O:__setstate__", &first, &second, &steps, &largest))
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "a state is a tuple");
    const size_t count = (size_t)PyTuple_Size(p->values);
    const int done = read_list(first, count, &firsts) && read_list(second, count, &seconds) &&
                     read_list(largest, count, &largests) && room_for(firsts, &p->first, count) &&
                     room_for(seconds, &p->second, count) && room_for(largests, &p->largest, count);
    if (done) {
        take_over(firsts, p->first, count);
        take_over(seconds, p->second, count);
        take_over(largests, p->largest, count);
        p->steps = steps;
    }
    pg_free(firsts);
    pg_free(seconds);
    pg_free(largests);
    return done ? Py_NewRef(Py_None) : NULL;
}

static Py_ssize_t length(PyObject *self)
{
    return PyTuple_Size(((parameters *)self)->values);
}

static PyMethodDef methods[] = {
    {"sgd", sgd, METH_VARARGS,
     "sgd($self, lr, momentum, weight_decay, /)\n--\n\nOne step of gradient descent with momentum."},
    {"nesterov", nesterov, METH_VARARGS,
     "nesterov($self, lr, momentum, weight_decay, /)\n--\n\nThe same with Nesterov's momentum."},
    {"dampened", dampened, METH_VARARGS,
     "dampened($self, lr, momentum, weight_decay, dampening, /)\n--\n\n"
     "One step with momentum that takes less of each gradient but the first."},
    {"adam", adam, METH_VARARGS,
     "adam($self, lr, beta1, beta2, eps, weight_decay, /)\n--\n\n"
     "One step of Adam (Kingma and Ba, 2015)."},
    {"adamw", adamw, METH_VARARGS,
     "adamw($self, lr, beta1, beta2, eps, weight_decay, /)\n--\n\n"
     "The same with weights that decay beside the gradient (Loshchilov and Hutter, 2019)."},
    {"amsgrad", amsgrad, METH_VARARGS,
     "amsgrad($self, lr, beta1, beta2, eps, weight_decay, /)\n--\n\n"
     "One step of Adam, no average of squares of which gets smaller (Reddi, Kale and Kumar, 2018)."},
    {"amsgradw", amsgradw, METH_VARARGS,
     "amsgradw($self, lr, beta1, beta2, eps, weight_decay, /)\n--\n\nThe same of adamw()."},
    {"rmsprop", rmsprop, METH_VARARGS,
     "rmsprop($self, lr, alpha, eps, weight_decay, momentum, /)\n--\n\n"
     "One step by the gradient over its running root mean square (Hinton, 2012)."},
    {"__reduce__", reduce, METH_NOARGS, "The Values, and the optimiser's state."},
    {"__setstate__", restore, METH_O, "Take over an optimiser's state."},
    {"zero_grad", zero_grad, METH_NOARGS, "zero_grad($self, /)\n--\n\nSet every grad to 0.0."},
    {NULL, NULL, 0, NULL},
};

int pg_parameters_init(PyObject *module)
{
    static PyType_Slot slots[] = {
        {Py_tp_doc, (void *)"Parameters(values)\n--\n\nValues that an optimiser updates in place."},
        {Py_tp_new, (void *)parameters_new},
        {Py_tp_dealloc, (void *)parameters_dealloc},
        {Py_tp_traverse, (void *)parameters_traverse},
        {Py_sq_length, (void *)length},
        {Py_tp_methods, methods},
        {0, NULL},
    };
    static PyType_Spec spec = {
        .name = "pygrad.value.Parameters",
        .basicsize = sizeof(parameters),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    PyObject *type = PyType_FromSpec(&spec);
    if (type == NULL)
        return -1;
    parameters_type = (PyTypeObject *)type; /* kept */
    return PyModule_AddObjectRef(module, "Parameters", type);
}
