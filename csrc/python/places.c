/* places.c: where in the code a trace's guards come from. */
#include "python/places.h"

#include "graph/memory.h"

#include <string.h>

/* The number of the line that runs now, noted if it is new. */
static uint8_t line_that_runs(pg_places *places)
{
    PyObject *frame = (PyObject *)PyEval_GetFrame();
    if (frame == NULL) { /* for want of memory: what the guard is for does not fail for that */
        PyErr_Clear();
        return PG_MOST_PLACES;
    }
    PyObject *code = (PyObject *)PyFrame_GetCode((PyFrameObject *)frame);
    const int line = PyFrame_GetLineNumber((PyFrameObject *)frame);
    for (int i = 0; i < places->count; i++)
        if (places->codes[i] == code && places->lines[i] == line) {
            Py_DECREF(code);
            return (uint8_t)i;
        }
    if (places->count == PG_MOST_PLACES) {
        Py_DECREF(code);
        return PG_MOST_PLACES;
    }
    places->codes[places->count] = code;
    places->lines[places->count] = line;
    return (uint8_t)places->count++;
}

void pg_places_note(pg_places *places, size_t guard)
{
    if (guard >= places->capacity) {
        const size_t larger = places->capacity == 0 ? 64 : 2 * places->capacity;
        uint8_t *grown = places->of_guards == NULL ? pg_alloc(larger, 1)
                                                   : pg_resize(places->of_guards, places->capacity, larger, 1);
        if (grown == NULL)
            return;
        memset(grown + places->capacity, PG_MOST_PLACES, larger - places->capacity);
        places->of_guards = grown;
        places->capacity = larger;
    }
    if (guard < places->capacity)
        places->of_guards[guard] = line_that_runs(places);
}

PyObject *pg_places_told(const pg_places *places, size_t guards)
{
    const size_t known = guards < places->capacity ? guards : places->capacity;
    PyObject *lines = PyList_New(0);
    for (int i = 0; lines != NULL && i < places->count; i++) {
        PyObject *pair = Py_BuildValue("Oi", places->codes[i], places->lines[i]);
        if (pair == NULL || PyList_Append(lines, pair) < 0)
            Py_CLEAR(lines);
        Py_XDECREF(pair);
    }
    if (lines == NULL)
        return NULL;
    return Py_BuildValue("y#N", known == 0 ? "" : (const char *)places->of_guards, (Py_ssize_t)known, lines);
}

void pg_places_forget(pg_places *places)
{
    for (int i = 0; i < places->count; i++)
        Py_DECREF(places->codes[i]);
    pg_free(places->of_guards);
    places->count = 0;
    places->of_guards = NULL;
    places->capacity = 0;
}
