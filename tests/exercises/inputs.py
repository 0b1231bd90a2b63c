"""What each exercise's function may legally be given, drawn at random, and what is seen of what it returns."""

import random

import numpy as np
import torch
from torch import nn

from helpers.networks import Residual, resnet18

r = random.Random()


def n(low, high):
    """Return a whole number from low to high, both included."""
    return r.randint(low, high)


def X(*shape, scale=1.0):
    return scale * torch.randn(*shape)


def array(*shape):
    return torch.randn(*shape, dtype=torch.float64).numpy()


def dice(faces):
    return torch.rand(faces).softmax(0)


def one_of(*values):
    return r.choice(values)


def shift():
    layer = nn.Conv2d(2, 3, 3, padding=1, padding_mode=one_of("circular", "zeros", "reflect"))
    return layer, X(n(1, 3), 2, n(4, 7), n(4, 9)), one_of(-3, -1, 1, 2, 3)


def dense():
    c, h, w = n(1, 3), n(2, 5), n(2, 5)
    return nn.Linear(c * h * w, n(1, 5)), c, h, w


def lost():
    k, P = n(1, 6), n(0, 3)
    return n(max(1, k - 2 * P), 14), k, n(1, 6), P


def grouped():
    groups = n(1, 4)
    c = n(1, 3)
    return X(c * groups, n(4, 7), n(4, 7)), X(n(1, 3) * groups, c, n(1, 3), n(1, 3)), groups


def pooled_array():
    pool = n(2, 5)
    return array(n(1, 3), n(1, 3), n(5, 9), n(5, 9)) - n(0, 5), pool, n(1, 4), n(0, pool // 2)


def maps_of_rows():
    N, h, w = n(1, 4), n(1, 5), n(1, 5)
    return array(N * h * w, n(1, 4)), N, h, w


def columns():
    shape, k, stride, pad = (n(1, 3), n(1, 3), n(3, 7), n(3, 7)), n(1, 3), n(1, 3), n(0, 2)
    h, w = ((side + 2 * pad - k) // stride + 1 for side in shape[2:])
    return array(shape[0] * h * w, shape[1] * k * k), shape, k, stride, pad


def backward():
    N, c, k, s, h, w, f = n(1, 3), n(1, 3), n(1, 3), n(1, 2), n(4, 8), n(4, 8), n(1, 4)
    return array(N, c, h, w), array(f, c, k, k), array(N, f, (h - k) // s + 1, (w - k) // s + 1), s


def gradient():
    x = array(*one_of((3,), (2, 3), (2, 1, 2), (1,)))
    factors = np.random.default_rng(n(0, 99)).normal(size=x.shape)
    bent = factors * (1 + array(*x.shape) * one_of(0, 0.3))
    return (lambda x: float((np.sin(3 * x) * factors).sum())), x, 3 * np.cos(3 * x) * bent, one_of(1e-5, 0.1, 0.3)


def labelled():
    N, C = n(1, 6), n(2, 7)
    return X(N, C), torch.randint(C, (N,))


def vgg_arguments():
    blocks = tuple((n(1, 3), n(1, 9)) for _ in range(n(1, 4)))
    return blocks, n(1, 4), n(2, 12), n(2 ** len(blocks), 70), n(1, 20)


def class_maps():
    layers = [nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Conv2d(3, 4, 2), nn.Tanh()][: one_of(1, 2, 4)]
    width = 4 if len(layers) == 4 else 3
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, n(2, 6)))
    return net.eval(), X(n(1, 3), 2, n(5, 8), n(5, 8))


def dead():
    logits = X(n(1, 6), n(1, 8)).round()
    logits[:, torch.rand(logits.shape[1]) < 0.3] = 0
    return (logits.clamp(**one_of({"min": 0}, {"max": 0}, {"min": -9})),)


def nin():
    first, block = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()), nn.Sequential(nn.Conv2d(4, 5, 1), nn.ReLU())
    return (nn.Sequential(*[first][: n(0, 1)] or [nn.Conv2d(1, 4, 3)], block, nn.AdaptiveAvgPool2d(1), nn.Flatten()),)


def folding():
    conv, norm = nn.Conv2d(3, 4, one_of(1, 3), padding=one_of(0, 1)), nn.BatchNorm2d(4, eps=one_of(1e-5, 0.1, 1.0))
    for tensor in (*norm.parameters(), norm.running_mean, norm.running_var):
        tensor.data = torch.rand(4) + 0.1
    return conv.eval(), norm.eval()


def normed():
    inner = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
    return (nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), inner).train(one_of(True, False)),)


def trained():
    net = nn.Sequential(Residual(1, 4, 2), *[Residual(4, 4)] * n(0, 1), nn.Flatten(), nn.Linear(4 * 9, 3))
    return net.train(one_of(True, False)), X(8, 1, 6, 6), torch.arange(8) % 3


def hooked():
    net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=True), nn.Sequential(nn.Linear(5, 3), nn.Tanh()))
    return net, one_of(net[0], net[2], net[2][0]), X(n(1, 6), 4)


def logit_of_maps():
    maps = X(1, n(1, 5), n(2, 5), n(2, 5)).requires_grad_()
    return maps, (maps * torch.randn_like(maps)).sum() + (maps**2 * torch.randn_like(maps)).sum()


def occlusion():
    size, K = n(1, 3), X(1, n(1, 2), n(4, 7), n(4, 7))
    return (lambda picture: (picture * K).sum()), torch.randn_like(K), size, n(1, 3), one_of(0.0, 1.0, -0.5)


def rows():
    turn = torch.linalg.qr(torch.randn(5, 5))[0]
    return ((X(n(8, 30), 5) * torch.tensor([6.0, 3, 0.3, 0.2, 0.1])) @ turn + X(5),)


def shares():
    parts = torch.rand(n(1, 4)).softmax(0).double()
    first, *others = (parts / parts.sum()).tolist()
    return ([(first, one_of(1, 2, 10.0)), *((p, one_of(1, 2, 5, float("inf"))) for p in others)],)


def processes():
    sizes = [n(0, 9) for _ in range(n(1, 4))] + [n(1, 9)]
    return [X(2, 3) if size else torch.full((2, 3), float("nan")) for size in sizes], sizes


def scaled():
    scale = one_of(1024.0, 2.0**13)
    tensors = [(X(n(1, 3)) * scale * one_of(1e-3, 1e-6)).half() for _ in range(n(1, 3))]
    if r.random() < 0.3:
        tensors[n(0, len(tensors) - 1)][-1] = one_of(float("inf"), float("-inf"), float("nan"))
    return tensors, scale


LEGAL = {
    "00.3": lambda: (X(*one_of((4,), (2, 3), (2, 2, 2))) * n(1, 5) + n(-3, 3),),
    "01.1": lambda: (n(1, 5000), n(1, 300), n(1, 5)), "01.2": lambda: (n(2, 8), n(0, 3)),
    "01.3": lambda: (X(n(1, 3), n(1, 3)), n(3, 5)), "01.4": lambda: (dice(n(1, 5)), dice(n(1, 5))),
    "01.5": shift, "01.6": dense,
    "02.4": lambda: ([n(1, 9) for _ in range(n(0, 5))],),
    "02.5": lambda: (X(n(3, 6), n(3, 6)), X(n(1, 3), n(1, 3))),
    "02.6": lambda: (X(5, 6), X(5, 4), X(1, 3), one_of(0.1, 0.01, 1.0)),
    "03.3": lambda: (n(1, 9), n(1, 4)), "03.4": lost,
    "03.5": lambda: (X(n(3, 7), n(3, 7)), X(n(1, 3), n(1, 3)), (n(1, 3), n(1, 3)), (n(0, 2), n(0, 2))),
    "03.6": lambda: ([(n(1, 5), n(1, 3), n(1, 3)) for _ in range(n(0, 4))],),
    "04.2": lambda: (n(1, 9), n(1, 9), n(1, 5), n(1, 9)),
    "04.4": lambda: ((c := n(1, 4)) and X(n(1, 3), c, n(1, 4), n(1, 4)), X(n(1, 5), c)),
    "04.5": grouped, "04.6": lambda: (X(c := n(1, 4), n(1, 3), n(1, 3)), X(n(1, 4), c)),
    "05.2": lambda: (X(n(4, 7), n(4, 7)), (n(1, 3), n(1, 3)), one_of("max", "avg"), n(1, 3)),
    "05.3": pooled_array, "05.4": lambda: (n(1, 5), n(1, 4)), "05.5": lambda: (n(1, 4),),
    "06.2": maps_of_rows, "06.3": columns, "06.4": backward,
    "06.5": lambda: (array(n(1, 3), n(1, 3), n(1, 4), n(1, 4)), n(1, 4)), "06.6": gradient,
    "07.1": lambda: (n(12, 99),), "07.3": lambda: (*(given := labelled()), n(1, given[0].shape[1])),
    "07.4": lambda: (torch.tensor([n(0, 9) for _ in range(n(1, 5))] + [n(1, 9)]),),
    "07.5": lambda: (X(n(1, 4), n(1, 5), scale=one_of(1, 1000)), one_of(0.5, 1.0, 3.0)),
    "07.6": lambda: (n(1, 4),), "07.7": lambda: (torch.rand(n(2, 6)), torch.rand(n(2, 6))),
    "08.1": lambda: (n(67, 400),), "08.4": lambda: (nn.Sequential(nn.Flatten(), nn.Linear(40, 4)), X(n(1, 4), 2, 4, 5)),
    "08.3": lambda: (torch.rand(64, 50, 2, 3) + 1, one_of(0.0, 0.2, 0.6)),
    "08.5": lambda: (torch.rand(100, 2, 7, 8) + 1, n(4, 7)),
    "09.2": vgg_arguments, "09.3": lambda: (n(1, 3), n(1, 4), n(1, 4)),
    "09.4": lambda: (n(1, 200), n(1, 30), n(1, 3000)),
    "09.5": lambda: (nn.Conv2d(3, n(1, 4), n(1, 3), n(1, 2), n(0, 1), bias=one_of(True, False)),),
    "10.3": lambda: (X(n(1, 3), n(1, 9), n(1, 9)) - 3, n(1, 6)), "10.4": class_maps, "10.5": dead, "10.6": nin,
    "11.2": lambda: (n(1, 99), n(1, 9), (n(1, 99), n(1, 99)), (n(1, 99), n(1, 99)), n(1, 9), n(1, 30)),
    "11.3": lambda: (n(1, 4), n(1, 4), one_of(1, 3, 5, 7)), "11.4": lambda: (n(1, 4), n(1, 4)),
    "11.5": lambda: (*labelled(), one_of(0.0, 0.1, 0.4)),
    "12.3": lambda: (one_of(0.1, 0.05, 0.3, 0.55, 0.7, 0.95, 0.013),),
    "12.4": lambda: (X(n(1, 4), n(1, 3), n(1, 4), n(2, 4)) + n(-3, 3), one_of(1e-5, 0.1, 1.0)),
    "12.5": folding, "12.6": normed,
    "13.1": lambda: (tuple(n(1, 9) for _ in range(4)), n(2, 3)), "13.2": lambda: (n(64, 300),),
    "13.3": lambda: (n(1, 9), n(1, 9), n(1, 2)), "13.4": trained, "13.5": lambda: (n(1, 4),),
    "13.6": lambda: (nn.Sequential(nn.Flatten(), nn.BatchNorm1d(9), nn.Linear(9, n(1, 5))), n(1, 4)),
    "14.1": hooked, "14.2": logit_of_maps, "14.3": occlusion, "14.4": rows,
    "14.5": lambda: (n(1, 6), 2 * n(0, 4) + 1),
    "15.1": shares, "15.3": processes, "15.4": lambda: (*(one_of(0.5, 1.0, 2.0, 7.0) for _ in range(3)),),
    "15.5": scaled,
    "16.1": lambda: ([one_of(*"abcd") for _ in range(n(1, 9))], ["a", one_of(*"bcd")]),
    "16.3": lambda: (torch.tensor([n(0, 3) for _ in range(n(1, 9))]), torch.tensor([n(0, 3) for _ in range(n(1, 9))])),
    "16.4": lambda: (nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, n(1, 4))), one_of(["0"], ["2"], [])),
}  # fmt: skip
LEGAL["13.6"] = lambda: (resnet18(num_classes=n(2, 5), width=0.0625, blocks=1), n(1, 4))


def runs_on(*shape):
    """Return what is seen of a layer that takes X (2, *shape): its output, all parameters being a fixed wave."""

    def see(layer, *args):
        size = [given(*args) if callable(given) else given for given in shape]
        with torch.no_grad():
            layer.train()(X(2, *size))  # lazy layers become what they are
            for name, value in layer.named_parameters():
                value.copy_(torch.arange(float(value.numel())).add(len(name)).sin().reshape(value.shape))
            return [layer(picture) for picture in torch.linspace(-9, 7, 2 * np.prod(size)).sin().reshape(1, 2, *size)]

    return see


def layer_and(*pictures):
    """Return what is seen of a layer whose weights count: its output on pictures of these shapes."""

    def see(layer, *args):
        with torch.no_grad():
            return [layer.eval()(torch.linspace(-9, 7, int(np.prod(size))).sin().reshape(size))
                    for picture in pictures if (size := picture(*args))]  # fmt: skip

    return see


def dropped(Y, X, p):
    """See of channel_dropout what chance leaves the same: how many channels, whole or not, whose, how scaled."""
    dead = (Y == 0).float()
    share, who = dead.flatten(2).mean(2), dead[:, :, 0, 0]
    return [(share.mean() * 10).round(), ((share > 0) & (share < 1)).any(), (Y / X).amax(), (Y / X).amin(),
            *(who.sum(axis).std() > 0 for axis in (0, 1)), Y.shape[0]]  # fmt: skip


def erased(Y, X, size):
    """See of erase what chance leaves the same: the first and last places, the sizes, and what stays."""
    dead = Y == 0
    rows, columns = dead[:, 0].any(2).float(), dead[:, 0].any(1).float()
    places = [part for lines in (rows, columns) for part in (lines.argmax(1).amin(), lines.argmax(1).amax())]
    return [*places, rows.sum(1), columns.sum(1), dead.flatten(1).sum(1), (Y[~dead] - X[~dead]).abs().amax()]


SEEN = {
    "08.3": dropped, "08.5": erased,
    "01.6": layer_and(lambda linear, c, h, w: (2, c, h, w), lambda linear, c, h, w: (1, c, h + 1, w + 2)),
    "05.5": runs_on(lambda c: c, 7, 8), "07.6": runs_on(lambda c: c, 7, 8), "11.4": runs_on(lambda c, d: c, 7, 8),
    "09.3": runs_on(lambda count, c, d: c, 7, 6), "11.3": runs_on(lambda c, d, size: c, 9, 8),
    "13.5": runs_on(lambda c: c, 5, 6), "09.5": layer_and(lambda conv: (2, 1, 6, 7)),
    "10.6": lambda net, given: [layer_and(lambda: (2, 1, 6, 7))(part) for part in (net, given)],
    "12.6": lambda net, given: [module.training for module in net.modules()] + [net is given],
    "13.6": lambda net, given, classes: [*(p.requires_grad for p in net.parameters()), net[-1].weight.shape[0],
                                         any(m.training for m in net.modules() if hasattr(m, "running_mean"))],
    "16.4": lambda count, net, names: [*(weight.requires_grad for weight in net.parameters()), count],
    "14.4": lambda result, rows: result * torch.as_tensor(result)[0].sign(),
}  # fmt: skip


def draw(id, seed):
    """Return legal arguments for an exercise, the same for the same seed."""
    r.seed(f"{id} {seed}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LEGAL[id]()


def seen(id, function, seed):
    """Return what is seen of function(*legal arguments): numbers, or the type of the error it stops with."""
    args = draw(id, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            result = function(*args)
            return SEEN[id](result, *args) if id in SEEN and result is not None else result
        except Exception as error:
            return type(error).__name__

