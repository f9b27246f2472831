/* attributes.c: what a Value shows of its node: attributes, hash, text. */
#include "python/attributes.h"

#include "graph/suppressed.h"
#include "python/constants.h"
#include "python/convert.h"
#include "python/lifted.h"
#include "python/outside.h"
#include "python/recording.h"
#include "python/rules.h"
#include "python/texts.h"
#include "python/trace.h"
#include "python/value.h"

int pg_value_setattro(PyObject *self, PyObject *name, PyObject *content)
{
    pg_value *v = (pg_value *)self;
    if (!pg_ensure_node(v) || PyObject_GenericSetAttr(self, name, content) < 0)
        return -1;
    if (v->dict != NULL || Py_TYPE(self) != pg_value_type)
        pg_carry(v, content);
    return 0;
}

static PyObject *get_dict(PyObject *self, void *closure)
{
    PyObject *dict = pg_ensure_node((pg_value *)self) ? PyObject_GenericGetDict(self, closure) : NULL;
    if (dict != NULL)
        pg_make_visible((pg_value *)self); /* whoever has it may store anything */
    return dict;
}

static int set_dict(PyObject *self, PyObject *dict, void *closure)
{
    if (!pg_ensure_node((pg_value *)self) || PyObject_GenericSetDict(self, dict, closure) < 0)
        return -1;
    pg_make_visible((pg_value *)self);
    return 0;
}

static int number_for(PyObject *self, PyObject *content, const char *what, double *out)
{
    if (content == NULL) {
        PyErr_Format(PyExc_AttributeError, "%s cannot be deleted", what);
        return 0;
    }
    return pg_require_built(self) && pg_require_number(content, what, out);
}

static PyObject *get_data(PyObject *self, void *closure)
{
    (void)closure;
    if (!pg_require_built(self) || (PG_TRACING && !pg_trace_access(self, "read")))
        return NULL;
    if (PG_UNLIKELY(pg_active_inputs != 0) && !pg_note_read(self))
        return NULL;
    return PyFloat_FromDouble(PG_NODE(self)->value);
}

static int set_data(PyObject *self, PyObject *content, void *closure)
{
    (void)closure;
    double number;
    if (!number_for(self, content, "data", &number))
        return -1;
    if (PG_TRACING && (!pg_trace_access(self, "written") || !pg_trace_effect(self) || !pg_trace_rewrite(self)))
        return -1;
    PG_NODE(self)->value = number;
    return 0;
}

static PyObject *get_grad(PyObject *self, void *closure)
{
    (void)closure;
    if (!pg_require_built(self))
        return NULL;
    if (PG_TRACING && !pg_trace_access(self, "read"))
        return NULL;
    const pg_extras *extras = ((pg_value *)self)->extras;
    double grad = PG_NODE(self)->grad;
    /* backward(create_graph=True) has left a Value; a number written since then, unless the same, outdates it */
    if (extras != NULL && extras->adjoint != NULL && pg_same_bits(PG_NODE(extras->adjoint)->value, grad))
        return Py_NewRef(extras->adjoint);
    return PyFloat_FromDouble(grad);
}

static int set_grad(PyObject *self, PyObject *content, void *closure)
{
    (void)closure;
    double number = 0.0;
    if (content == Py_None ? !pg_require_built(self) : !number_for(self, content, "grad", &number))
        return -1; /* None, as others have it, is 0 */
    if (PG_TRACING && (!pg_trace_access(self, "written") || !pg_trace_effect(self)))
        return -1;
    pg_status status = pg_write_grad(PG_NODE(self), number);
    if (status != PG_OK) {
        pg_raise(status);
        return -1;
    }
    pg_forget_adjoint(PG_NODE(self));
    return 0;
}

static PyObject *get_label(PyObject *self, void *closure)
{
    (void)closure;
    const pg_extras *extras = ((pg_value *)self)->extras;
    if (extras != NULL && extras->label != NULL)
        return Py_NewRef(extras->label);
    return PyUnicode_FromString("");
}

int pg_set_label(PyObject *self, PyObject *content, void *closure)
{
    (void)closure;
    if (content == NULL || !PyUnicode_Check(content)) {
        if (content == NULL)
            PyErr_SetString(PyExc_AttributeError, "label cannot be deleted; set it to ''");
        else
            PyErr_Format(PyExc_TypeError, "label must be a str, not %R", Py_TYPE(content));
        return -1;
    }
    pg_extras *extras = pg_ensure_node((pg_value *)self) ? pg_extras_of((pg_value *)self) : NULL;
    if (extras == NULL)
        return -1;
    pg_set(&extras->label, Py_NewRef(content));
    pg_carry((pg_value *)self, PyUnicode_CheckExact(content) ? NULL : content);
    return 0;
}

PyObject *pg_op_text(const pg_node *n)
{
    switch (n->op) {
    case PG_SUM:
        return PyUnicode_FromString("sum");
    case PG_DOT:
        return PyUnicode_FromString("dot");
    case PG_SEARCH:
        return PyUnicode_FromString("search");
    case PG_TAKE:
        return PyUnicode_FromString("take");
    case PG_OP_pown: {
        PyObject *exponent = n->flags & PG_WHOLE_EXPONENT ? PyLong_FromDouble(n->of.constant.k)
                                                          : PyFloat_FromDouble(n->of.constant.k);
        PyObject *text = exponent == NULL ? NULL : PyUnicode_FromFormat("**%R", exponent);
        Py_XDECREF(exponent);
        return text;
    }
    default:
        return PyUnicode_FromString(n->op < PG_OP_add ? "" : pg_op_at(n->op - PG_OP_add)->symbol);
    }
}

static PyObject *get_op(PyObject *self, void *closure)
{
    (void)closure;
    if (!pg_require_built(self))
        return NULL;
    const pg_extras *extras = ((pg_value *)self)->extras;
    if (extras != NULL && extras->op_name != NULL)
        return Py_NewRef(extras->op_name);
    return pg_op_text(PG_NODE(self));
}

static int set_op(PyObject *self, PyObject *content, void *closure)
{
    (void)closure;
    if (content == NULL || !PyUnicode_Check(content)) {
        if (content == NULL)
            PyErr_SetString(PyExc_AttributeError, "_op cannot be deleted");
        else
            PyErr_Format(PyExc_TypeError, "_op is a name, a str, not %R; what a node computes is fixed",
                         Py_TYPE(content));
        return -1;
    }
    return pg_require_built(self) && pg_name_op((pg_value *)self, content) ? 0 : -1;
}

static PyObject *get_children(PyObject *self, void *closure)
{
    (void)closure;
    if (!pg_require_built(self))
        return NULL;
    pg_node *room[2];
    size_t count;
    pg_node *const *operands = pg_shown_operands(PG_NODE(self), &count, room);
    PyObject *children = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; children != NULL && i < count; i++) {
        PyObject *child = pg_value_of(operands[i]);
        if (child == NULL)
            Py_CLEAR(children);
        else
            PyTuple_SetItem(children, (Py_ssize_t)i, child);
    }
    return children;
}

static PyObject *get_prev(PyObject *self, void *closure)
{
    PyObject *children = get_children(self, closure);
    if (children == NULL)
        return NULL;
    PyObject *set = PySet_New(children);
    Py_DECREF(children);
    return set;
}

static PyObject *get_local_derivatives(PyObject *self, void *closure)
{
    pg_node *n = PG_NODE(self);
    if (!pg_require_built(self) || (PG_TRACING && !pg_trace_access(self, "read")))
        return NULL;
    if (n->op == PG_CUSTOM) {
        PyObject *op = get_op(self, NULL);
        if (op != NULL)
            PyErr_Format(PyExc_TypeError,
                         "the node %R has only a _backward of its own; its local derivatives are not "
                         "stated (give local_grads to state them)",
                         op);
        Py_XDECREF(op);
        return NULL;
    }
    size_t count = pg_operand_count(n);
    const int has_rule = pg_rule_inputs(n, &count) != NULL;
    double *slopes = pg_alloc(count, sizeof *slopes);
    if (slopes == NULL)
        return PyErr_NoMemory();
    if (!has_rule) {
        pg_local_derivatives(n, slopes);
    } else if (!pg_rule_slopes(n, slopes)) {
        pg_free(slopes);
        return NULL;
    }
    PyObject *result = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; result != NULL && i < count; i++) {
        pg_node *given = closure == NULL ? NULL : pg_given_partial(n, i);
        PyObject *item = given != NULL ? pg_value_of(given) : PyFloat_FromDouble(slopes[i]);
        if (item == NULL)
            Py_CLEAR(result);
        else
            PyTuple_SetItem(result, (Py_ssize_t)i, item);
    }
    pg_free(slopes);
    return result;
}

/* The callable that stands for the rule of a node without a closure. */
static PyObject *propagate(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    pg_node *n = PG_NODE(self);
    if (!pg_require_built(self))
        return NULL;
    size_t count = pg_operand_count(n);
    pg_node *const *inputs = pg_rule_inputs(n, &count);
    double *slopes = pg_alloc(count, sizeof *slopes);
    if (slopes == NULL)
        return PyErr_NoMemory();
    pg_status status = PG_OK;
    if (inputs == NULL)
        status = n->op == PG_CUSTOM ? PG_OK : pg_propagate(n, slopes);
    else if (!pg_rule_slopes(n, slopes))
        status = PG_RAISED;
    for (size_t i = 0; inputs != NULL && status == PG_OK && i < count; i++)
        status = pg_write_grad(inputs[i], inputs[i]->grad + pg_strong(n->grad, slopes[i]));
    pg_free(slopes);
    if (status != PG_OK)
        return pg_raise(status);
    Py_RETURN_NONE;
}

/* What stands for a rule that was switched off by assigning None. */
static PyObject *nothing(PyObject *self, PyObject *ignored)
{
    (void)self, (void)ignored;
    Py_RETURN_NONE;
}

static PyMethodDef nothing_def = {"_backward", nothing, METH_NOARGS, "Do nothing."};

static PyMethodDef propagate_def = {"_backward", propagate, METH_NOARGS,
                                    "Add this node's contributions to its operands' grads, once."};

static PyObject *get_backward(PyObject *self, void *closure)
{
    (void)closure;
    if (!pg_require_built(self))
        return NULL;
    const pg_extras *extras = ((pg_value *)self)->extras;
    if (extras == NULL || extras->closure == NULL)
        return PyCFunction_NewEx(&propagate_def, self, NULL);
    return extras->closure == Py_None ? PyCFunction_NewEx(&nothing_def, NULL, NULL) : Py_NewRef(extras->closure);
}

static int set_backward(PyObject *self, PyObject *content, void *closure)
{
    (void)closure;
    if (!pg_require_built(self))
        return -1;
    if (content != NULL && content != Py_None && !PyCallable_Check(content)) {
        PyErr_Format(PyExc_TypeError, "_backward must be callable or None, not %R", Py_TYPE(content));
        return -1;
    }
    if (PG_TRACING && (!pg_trace_access(self, "opaque") || !pg_trace_effect(self)))
        return -1;
    pg_value *v = (pg_value *)self;
    pg_extras *extras = pg_extras_of(v);
    if (extras == NULL)
        return -1;
    if (content == NULL)
        v->node->flags &= (uint8_t)~PG_HAS_CLOSURE; /* deleted: the rule is back */
    else
        v->node->flags |= PG_HAS_CLOSURE;
    pg_carry(v, content);
    Py_XINCREF(content);
    pg_set(&extras->closure, content); /* last: what it lets go of may assign again */
    return 0;
}

PyGetSetDef pg_attributes[] = {
    {"data", get_data, set_data, "The value, a float.", NULL},
    {"grad", get_grad, set_grad, "The adjoint of the last backward(); leaves accumulate.", NULL},
    {"label", get_label, pg_set_label, "A name for pictures and messages; '' if none was given.", NULL},
    {"requires_grad", pg_get_requires_grad, pg_set_requires_grad,
     "Whether backward() fills grads here; of a computed Value, whether it does of a leaf below. Assignable for leaves.",
     NULL},
    {"_op", get_op, set_op, "The op that made this node, '' for a leaf. Another name can be assigned, for display.",
     NULL},
    {"_children", get_children, NULL, "The operands, in order.", NULL},
    {"_prev", get_prev, NULL, "The set of operands.", NULL},
    {"local_derivatives", get_local_derivatives, NULL,
     "The derivative by each direct operand at the operands' present values, in operand order.", NULL},
    {"_local_grads", get_local_derivatives, NULL, "local_derivatives, or the local_grads as they were given.",
     "as given"},
    {"_backward", get_backward, set_backward,
     "A callable that adds this node's contributions to its operands' grads; assignable.", NULL},
    {"__dict__", get_dict, set_dict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyMemberDef pg_offsets[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(pg_value, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(pg_value, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

/* -- identity and text -------------------------------------------------------------------------- */

/* Identity, as for any object; the low bits are alignment. In lifted code, where a Value stands for a number, no table
 * would find it. */
Py_hash_t pg_value_hash(PyObject *self)
{
    int lifted = pg_is_key_of_lifted_code();
    if (lifted != 0) {
        if (lifted > 0)
            PyErr_SetString(PyExc_TypeError,
                            "a Value cannot be a key in lifted code: dicts, sets and caches find floats by their "
                            "numbers, and would miss a Value, or give what they kept for a plain number");
        return -1;
    }
    PyObject *instead = pg_key_instead(self);
    if (instead != Py_None) {
        const Py_hash_t of_number = instead == NULL ? -1 : PyObject_Hash(instead);
        Py_XDECREF(instead);
        return of_number;
    }
    Py_DECREF(instead);
    size_t bits = (size_t)self;
    Py_hash_t hash = (Py_hash_t)((bits >> 4) | (bits << (8 * sizeof bits - 4)));
    return hash == -1 ? -2 : hash;
}

PyObject *pg_value_repr(PyObject *self)
{
    if (PG_NODE(self) == NULL || PG_WAITING(PG_NODE(self)))
        return PyUnicode_FromFormat("<%R, not initialised>", Py_TYPE(self));
    PyObject *instead = pg_text_instead(self, NULL);
    if (instead != Py_None)
        return instead;
    Py_DECREF(instead);
    PyObject *data = PyFloat_FromDouble(PG_NODE(self)->value);
    PyObject *grad = PyFloat_FromDouble(PG_NODE(self)->grad);
    PyObject *text = NULL;
    if (data != NULL && grad != NULL)
        text = PyUnicode_FromFormat("Value(data=%R, grad=%R)", data, grad);
    Py_XDECREF(data);
    Py_XDECREF(grad);
    return text;
}
