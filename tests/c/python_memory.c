/* python_memory.c: a module for tests that makes requests for Python's memory fail, and says who makes them.
 *
 * Built by tests/faults/allocations.py. Requests are counted in the thread that called arm(), in all of Python's
 * three domains. Whose a request is follows from the stack: of the functions between the request and the
 * interpreter's loop the first that is in a library of pygrad's or of others. */
#define _GNU_SOURCE /* dladdr1 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <string.h>

enum { DOMAINS = 3, DEEPEST = 60 };
enum { PYTHONS = 'i', PYGRADS = 'p', OF_OTHERS = 'o' };

static PyMemAllocatorEx original[DOMAINS];
static __thread struct {
    int armed;
    Py_ssize_t requests, first, last; /* those from the first to the last one fail */
    char *whose;           /* where it is written whose the first was that has failed */
    char *notes;           /* for each request whose it is, if they are to be noted */
    Py_ssize_t room;
} now;

/* Whether an address is in the interpreter's loop, and not only behind the last function that has a name. */
static int is_loop(const void *address, const Dl_info *info, const ElfW(Sym) * symbol)
{
    return info->dli_sname != NULL && strcmp(info->dli_sname, "_PyEval_EvalFrameDefault") == 0 &&
           (size_t)((const char *)address - (const char *)info->dli_saddr) < symbol->st_size;
}

static char whose(void)
{
    void *frames[DEEPEST];
    const int count = backtrace(frames, DEEPEST);
    for (int i = 0; i < count; i++) {
        Dl_info info;
        ElfW(Sym) *symbol = NULL;
        if (dladdr1(frames[i], &info, (void **)&symbol, RTLD_DL_SYMENT) == 0 || info.dli_fname == NULL)
            continue;
        if (symbol != NULL && is_loop(frames[i], &info, symbol))
            return PYTHONS;
        if (strstr(info.dli_fname, "/pygrad/_") != NULL)
            return PYGRADS;
        if (strstr(info.dli_fname, "-packages/") != NULL)
            return OF_OTHERS;
    }
    return PYTHONS;
}

/* Counts a request; whether it is to fail. */
static int refused(void)
{
    if (!now.armed)
        return 0;
    const Py_ssize_t n = ++now.requests;
    if (now.notes != NULL && n <= now.room) {
        now.armed = 0;
        now.notes[n - 1] = whose();
        now.armed = 1;
    }
    if (n < now.first || n > now.last)
        return 0;
    if (n == now.first) {
        now.armed = 0;
        *now.whose = whose();
        now.armed = 1;
    }
    return 1;
}

static void *get(void *allocator, size_t size)
{
    const PyMemAllocatorEx *a = allocator;
    return refused() ? NULL : a->malloc(a->ctx, size);
}

static void *get_cleared(void *allocator, size_t count, size_t size)
{
    const PyMemAllocatorEx *a = allocator;
    return refused() ? NULL : a->calloc(a->ctx, count, size);
}

static void *resize(void *allocator, void *block, size_t size)
{
    const PyMemAllocatorEx *a = allocator;
    return refused() ? NULL : a->realloc(a->ctx, block, size);
}

static void give_back(void *allocator, void *block)
{
    const PyMemAllocatorEx *a = allocator;
    a->free(a->ctx, block);
}

/* The memory of an array, which the caller keeps; NULL with an exception set. */
static char *memory_of(PyObject *array, Py_ssize_t *size)
{
    Py_buffer view;
    if (PyObject_GetBuffer(array, &view, PyBUF_WRITABLE) < 0)
        return NULL;
    char *memory = view.buf;
    *size = view.len;
    PyBuffer_Release(&view);
    return memory;
}

static PyObject *arm(PyObject *module, PyObject *args)
{
    Py_ssize_t first, last, size;
    PyObject *array;
    if (!PyArg_ParseTuple(args, "nnO", &first, &last, &array) || (now.whose = memory_of(array, &size)) == NULL)
        return NULL;
    now.notes = NULL;
    now.requests = 0;
    now.first = first;
    now.last = last;
    now.armed = 1;
    Py_RETURN_NONE;
}

static PyObject *note(PyObject *module, PyObject *array)
{
    now.notes = memory_of(array, &now.room);
    if (now.notes == NULL)
        return NULL;
    now.requests = now.first = now.last = 0;
    now.armed = 1;
    Py_RETURN_NONE;
}

static PyObject *disarm(PyObject *module, PyObject *ignored)
{
    now.armed = 0;
    Py_RETURN_NONE;
}

static PyObject *requests(PyObject *module, PyObject *ignored)
{
    return PyLong_FromSsize_t(now.requests);
}

static PyMethodDef functions[] = {
    {"arm", arm, METH_VARARGS,
     "arm(first, last, array, /)\n--\n\n"
     "Requests from the first to the last one fail; whose the first one is is written into the array."},
    {"note", note, METH_O, "note(array, /)\n--\n\nNone fails; whose each one is is written there."},
    {"disarm", disarm, METH_NOARGS, "disarm()\n--\n\nNothing is counted any more."},
    {"requests", requests, METH_NOARGS, "requests()\n--\n\nHow many there were."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "python_memory", NULL, -1, functions, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_python_memory(void)
{
    static const PyMemAllocatorDomain domains[DOMAINS] = {PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ};
    void *unused[1];
    backtrace(unused, 1); /* which allocates the first time */
    PyObject *module = PyModule_Create(&definition);
    for (int i = 0; module != NULL && i < DOMAINS; i++) {
        PyMem_GetAllocator(domains[i], &original[i]);
        PyMemAllocatorEx ours = {&original[i], get, get_cleared, resize, give_back};
        PyMem_SetAllocator(domains[i], &ours);
    }
    return module;
}
