/* modes.c: where a thread's modes are counted. */
#include "python/modes.h"

#include "graph/memory.h"

int pg_special_threads;
PG_THREAD_LOCAL pg_thread_modes *pg_modes;
PG_THREAD_LOCAL int pg_watcher_runs;

static void thread_ended(PyObject *capsule)
{
    pg_thread_modes *t = PyCapsule_GetPointer(capsule, NULL);
    pg_special_threads -= t->special;
    t->special = 0;
    t->ended = 1;
    if (pg_modes == t)
        pg_modes = NULL;
    if (t->last == NULL)
        pg_free(t);
}

pg_thread_modes *pg_modes_of_thread(void)
{
    if (pg_modes != NULL)
        return pg_modes;
    PyObject *dict = PyThreadState_GetDict();
    pg_thread_modes *t = dict == NULL ? NULL : pg_alloc(1, sizeof *t);
    if (t == NULL)
        return (pg_thread_modes *)(void *)PyErr_NoMemory();
    *t = (pg_thread_modes){.last = NULL};
    PyObject *capsule = PyCapsule_New(t, NULL, thread_ended);
    if (capsule == NULL) {
        pg_free(t);
        return NULL;
    }
    pg_modes = t;
    int failed = PyDict_SetItemString(dict, "pygrad's modes", capsule) < 0;
    Py_DECREF(capsule); /* ends it if it failed */
    return failed ? NULL : t;
}
